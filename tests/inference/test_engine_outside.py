"""A network's weights are all in its file: what keeps any of them elsewhere is refused."""

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper
from onnx import numpy_helper as arrays

from inference.engine import ModelUnfit, network, outside
from tests.inference.engine_models import convolutions, graph

ONES = np.ones((4, 4), dtype=np.float32)


@pytest.fixture(autouse=True)
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process stands where such a file is: it would be read."""
    (tmp_path / "w.bin").write_bytes(ONES.tobytes())
    monkeypatch.chdir(tmp_path)


def elsewhere(location: str = "w.bin") -> TensorProto:
    tensor = arrays.from_array(ONES, "mix")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def opened(onnx: bytes) -> bool:
    """Whether the runtime alone, asked without care, would read what is outside."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    given = {"columns": np.ones((1, 2, 4), dtype=np.float32)}
    return bool((session.run(None, given)[0] == 4).all())


def product(*before: NodeProto, weights: tuple[TensorProto, ...] = ()) -> bytes:
    nodes = [*before, helper.make_node("MatMul", ["columns", "mix"], ["logits"])]
    return graph(nodes, 4, 4, [*weights])


def of_a_constant() -> bytes:
    return product(helper.make_node("Constant", [], ["mix"], value=elsewhere()))


def of_a_branch() -> bytes:
    """An initializer of a graph that is an attribute of a node."""
    value = helper.make_tensor_value_info("mix", TensorProto.FLOAT, [4, 4])
    branch = helper.make_graph([], "branch", [], [value], [elsewhere()])
    yes = arrays.from_array(np.array(True), "yes")
    choice = helper.make_node("If", ["yes"], ["mix"], then_branch=branch, else_branch=branch)
    return product(choice, weights=(yes,))


def of_a_function() -> bytes:
    inner = helper.make_node("Constant", [], ["mix"], value=elsewhere())
    opsets = [helper.make_opsetid("", 17)]
    ours = helper.make_function("ours", "Mix", [], ["mix"], [inner], opsets)
    model = ModelProto.FromString(product(helper.make_node("Mix", [], ["mix"], domain="ours")))
    model.functions.append(ours)
    model.opset_import.append(helper.make_opsetid("ours", 1))
    return model.SerializeToString()


READ: dict[str, Callable[[], bytes]] = {
    "beside the process": lambda: product(weights=(elsewhere(),)),
    "by a dot": lambda: product(weights=(elsewhere("./w.bin"),)),
    "of a constant": of_a_constant,
    "of a branch": of_a_branch,
    "of a function": of_a_function,
}


@pytest.mark.parametrize("made", READ.values(), ids=READ)
def test_weights_that_the_runtime_would_read_are_refused(made: Callable[[], bytes]) -> None:
    onnx = made()

    assert opened(onnx)
    with pytest.raises(ModelUnfit, match="outside of its file"):
        network.load(onnx)


@pytest.mark.parametrize("location", ["/etc/hostname", "../w.bin", "none.bin", "", "w.bin\0"])
def test_wherever_they_are_said_to_be(location: str) -> None:
    with pytest.raises(ModelUnfit, match="outside of its file"):
        network.load(product(weights=(elsewhere(location),)))


def holders() -> dict[str, ModelProto]:
    """Every place of the format's own tables in which a tensor may stand."""
    tensor = elsewhere()
    sparse = helper.make_sparse_tensor(tensor, tensor, [4, 4])
    only_indexes = helper.make_sparse_tensor(arrays.from_array(ONES), tensor, [4, 4])
    inner = GraphProto(initializer=[tensor])
    attributes = {
        "an attribute": AttributeProto(t=tensor),
        "a list of an attribute": AttributeProto(tensors=[tensor]),
        "a graph of an attribute": AttributeProto(g=inner),
        "graphs of an attribute": AttributeProto(graphs=[inner]),
        "a sparse attribute": AttributeProto(sparse_tensor=sparse),
        "sparse ones of an attribute": AttributeProto(sparse_tensors=[sparse]),
    }
    found = {
        name: ModelProto(graph=GraphProto(node=[NodeProto(attribute=[attribute])]))
        for name, attribute in attributes.items()
    }
    training = ModelProto()
    training.training_info.add(initialization=inner)
    algorithm = ModelProto()
    algorithm.training_info.add(algorithm=inner)
    default = ModelProto()
    default.functions.add(attribute_proto=[AttributeProto(t=tensor)])
    return found | {
        "an initializer": ModelProto(graph=inner),
        "a sparse one": ModelProto(graph=GraphProto(sparse_initializer=[sparse])),
        "the places of a sparse one": ModelProto(
            graph=GraphProto(sparse_initializer=[only_indexes])
        ),
        "a start of training": training,
        "a step of training": algorithm,
        "a default of a function": default,
    }


@pytest.mark.parametrize("model", holders().values(), ids=holders())
def test_wherever_the_tensor_stands(model: ModelProto) -> None:
    with pytest.raises(ModelUnfit, match="outside of its file"):
        network.load(model.SerializeToString())


def test_the_places_are_all_that_the_format_has() -> None:
    """Asked of the format's own descriptors, so that one that is added there is missed here."""
    seen, left = {}, [ModelProto.DESCRIPTOR]
    while left:
        message = left.pop()
        if message.name in seen:
            continue
        fields = [field for field in message.fields if field.message_type is not None]
        seen[message.name] = {field.number: field.message_type.name for field in fields}
        left += [field.message_type for field in fields]
    # What holds no tensor, however deep, is not looked into.
    holding = {"TensorProto"}
    while more := {name for name, of in seen.items() if holding & {*of.values()}} - holding:
        holding |= more
    expected = {
        name: {number: of for number, of in seen[name].items() if of in holding}
        for name in holding - {"TensorProto"}
    }

    named = TensorProto.DESCRIPTOR.fields_by_name
    assert expected == outside.HOLDERS
    assert (named["external_data"].number, named["data_location"].number) == outside.ELSEWHERE


def field(number: int, kind: int, rest: bytes) -> bytes:
    return varint(number << 3 | kind) + rest


def varint(value: int, length: int = 0) -> bytes:
    found = b""
    while value > 0x7F or len(found) + 1 < length:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def within(number: int, raw: bytes) -> bytes:
    return field(number, 2, varint(len(raw)) + raw)


LOCATION = within(13, within(1, b"location") + within(2, b"w.bin"))


@pytest.mark.parametrize(
    "spelt",
    {
        "plainly": LOCATION + field(14, 0, varint(1)),
        "at length": LOCATION + varint(14 << 3, 5) + varint(1, 10),
        "cut to 32 bits": LOCATION + field(14, 0, varint(2**32 + 1)),
        "and taken back": LOCATION + field(14, 0, varint(1)) + field(14, 0, varint(0)),
        "without where": field(14, 0, varint(1)),
        "without that": LOCATION,
    }.items(),
    ids=lambda item: item[0],
)
def test_however_it_is_spelt(spelt: tuple[str, bytes]) -> None:
    with pytest.raises(ModelUnfit, match="outside of its file"):
        network.load(within(7, within(5, spelt[1])))


def test_of_a_graph_in_two_parts_both_are_looked_into() -> None:
    onnx = convolutions(3, 4, (4,)) + within(7, within(5, LOCATION))

    with pytest.raises(ModelUnfit, match="outside of its file"):
        network.load(onnx)


@pytest.mark.parametrize(
    "broken",
    [
        b"\x3a",
        b"\x3a\xff\xff\xff\xff\x0f",
        b"\x80" * 11,
        field(7, 3, b"") + field(7, 4, b""),
        field(9, 5, b"abc"),
        field(9, 1, b"abc"),
        field(9, 0, b"\xff" * 9 + b"\x7f"),
        field(0, 0, b"\0"),
        field(9, 6, b""),
        varint(2**32 | 7 << 3 | 2) + b"\0",
    ],
)
def test_what_is_no_such_format_is_refused(broken: bytes) -> None:
    with pytest.raises(outside.Malformed):
        outside.has_outside(broken)
    with pytest.raises(ModelUnfit, match="cannot be opened"):
        network.load(broken)


def test_graphs_in_graphs_without_end_are_refused() -> None:
    raw = b""
    for _ in range(5_000):
        raw = within(1, within(5, within(6, raw)))

    with pytest.raises(ModelUnfit, match="cannot be opened: messages within messages"):
        network.load(within(7, raw))


def test_a_file_of_nothing_but_graphs_takes_no_room_and_no_time() -> None:
    raw = within(7, b"") * 2_000_000
    started = time.thread_time()
    with pytest.raises(outside.Malformed, match="more fields"):
        outside.has_outside(raw)
    took = time.thread_time() - started

    tracemalloc.start()
    with pytest.raises(outside.Malformed, match="more fields"):
        outside.has_outside(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 1_000_000
    assert took < 30


def test_another_format_of_the_runtime_is_refused(tmp_path: Path) -> None:
    """It has weights outside of its own, and is told by its bytes, not by a file's name."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "model.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnx = convolutions(3, 4, (4,))
    onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])

    with pytest.raises(ModelUnfit, match="cannot be opened"):
        network.load((tmp_path / "model.ort").read_bytes())


@pytest.mark.parametrize("seed", range(4))
def test_a_file_that_was_damaged_is_opened_or_refused_by_name(seed: int) -> None:
    whole, random = convolutions(3, 4, (4,)), np.random.default_rng(seed)

    for _ in range(100):
        raw = bytearray(whole)
        for place in random.integers(len(raw), size=random.integers(1, 4)):
            raw[place] = random.integers(256)
        try:
            network.load(bytes(raw[: random.integers(len(raw) // 2, len(raw) + 1)]))
        except ModelUnfit:
            continue
