"""The net as ONNX, node by node: any batch, any length, several nets as the mean of their logits.

In double inside, so that another machine's products round where nobody sees it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mlops.training.convolution.design import (
    CLOCK,
    LABELS,
    MASKS,
    OWN,
    VALUES,
    WIDTH,
    Design,
)
from mlops.training.convolution.weights import Weights
from mlops.training.tuning import UNTUNED, Tuned

OPSET, IR_VERSION = 17, 9
COLUMNS = ["batch", "epochs", "columns"]
TO_THE_END = np.iinfo(np.int64).max


@dataclass
class Writer:
    """Nodes and constants in the order they are written; the same order, the same names."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: NDArray[Any]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def double(self, value: float | NDArray[Any]) -> str:
        return self.constant(np.asarray(value, np.float64))

    def weight(self, value: NDArray[np.float32]) -> str:
        """Kept as floats, which is half the size."""
        return self.node("Cast", self.constant(value), to=TensorProto.DOUBLE)

    def whole(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))


def written(
    design: Design, members: Sequence[Weights], kinds: tuple[Tuned, Tuned] = (UNTUNED, UNTUNED)
) -> bytes:
    """The same weights give the same bytes; a temperature and a shift for each kind of night."""
    writer = Writer()
    whole = writer.node("Cast", "columns", to=TensorProto.DOUBLE)
    sides = _sides(writer, whole)
    own = writer.node("Gather", writer.node("Add", *sides), writer.constant(OWN), axis=2)
    inputs = _seen(writer, own)
    found = [_member(writer, design, weights, inputs) for weights in members]
    total = writer.node("Sum", *found)
    mean = writer.node("Div", total, writer.double(len(members)))
    if design.linear_counts:
        table = np.mean([weights["linear"] for weights in members], axis=0, dtype=np.float64)
        line = writer.weight(np.asarray(design.linear_counts * table, np.float32))
        mean = writer.node("Add", mean, writer.node("MatMul", whole, line))
    mean = _tempered(writer, mean, _is_apart(writer, sides[1]), kinds)
    writer.nodes.append(
        helper.make_node("Cast", [mean], ["logits"], name="logits", to=TensorProto.FLOAT)
    )
    graph = helper.make_graph(
        writer.nodes,
        "convolution",
        [helper.make_tensor_value_info("columns", TensorProto.FLOAT, COLUMNS)],
        [
            helper.make_tensor_value_info(
                "logits", TensorProto.FLOAT, ["batch", "epochs", len(LABELS)]
            )
        ],
        writer.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version, model.producer_name = IR_VERSION, "noctis"
    model.producer_version = ""
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _sides(writer: Writer, whole: str) -> tuple[str, str]:
    """Each column stands at one of two places, and the other is 0."""
    one, other = (
        writer.node("Slice", whole, *(writer.whole(n) for n in (start, end, 2)))
        for start, end in ((0, WIDTH), (WIDTH, 2 * WIDTH))
    )
    return one, other


def _is_apart(writer: Writer, side: str) -> str:
    """(batch, 1, 1): 1 for nights whose columns stand at their other place, else 0."""
    masks = writer.node("Gather", side, writer.constant(OWN[MASKS]), axis=2)
    return writer.node("Sign", writer.node("ReduceSum", masks, writer.whole(1, 2)))


def _tempered(writer: Writer, logits: str, is_apart: str, kinds: tuple[Tuned, Tuned]) -> str:
    """Over the temperature, and shifted, of the kind of night that it is."""
    common, apart = kinds

    def of_kind(one: float | NDArray[Any], other: float | NDArray[Any]) -> str:
        more = writer.node("Mul", is_apart, writer.double(other - one))
        return writer.node("Add", more, writer.double(one))

    sharp = of_kind(1 / common.temperature, 1 / apart.temperature)
    tempered = writer.node("Mul", logits, sharp)
    return writer.node("Add", tempered, of_kind(common.shift, apart.shift))


def _seen(writer: Writer, columns: str) -> str:
    values, masks, clock = (
        writer.node("Gather", columns, writer.constant(places), axis=2)
        for places in (VALUES, MASKS, CLOCK)
    )
    return writer.node("Concat", values, masks, clock, axis=2)


def _member(writer: Writer, design: Design, weights: Weights, inputs: str) -> str:
    def affine(value: str, name: str, suffix: object = "") -> str:
        product = writer.node("MatMul", value, writer.weight(weights[f"{name}{suffix}"]))
        return writer.node("Add", product, writer.weight(weights[f"{name}_bias{suffix}"]))

    found = affine(inputs, "stem")
    for layer, dilation in enumerate(design.dilations):
        scale, shift = (writer.weight(weights[f"{name}{layer}"]) for name in ("scale", "shift"))
        even = writer.node("LayerNormalization", found, scale, shift, axis=-1, epsilon=1e-5)
        taken = _along(writer, even, design.taps, dilation, design.padding[layer])
        risen = writer.node("Relu", affine(taken, "along", layer))
        found = writer.node("Add", found, affine(risen, "mix", layer))
    return affine(found, "out")


def _along(writer: Writer, value: str, taps: int, dilation: int, padding: tuple[int, int]) -> str:
    before, after = padding
    padded = writer.node("Pad", value, writer.whole(0, before, 0, 0, after, 0), writer.double(0.0))
    parts = []
    for tap in range(taps):
        start, left = tap * dilation, before + after - tap * dilation
        end = -left if left else TO_THE_END
        parts.append(writer.node("Slice", padded, *(writer.whole(n) for n in (start, end, 1))))
    return writer.node("Concat", *parts, axis=2)
