"""Small models with all that a folder needs, for tests of what is read, kept and served."""

from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from inference import engine
from inference.artifacts import Draft, Loaded, Source, Training, write
from inference.engine import golden, network
from recordings.schemas import ACTIVE_VERSION, SHIPPED

FEATURES = SHIPPED[ACTIVE_VERSION]
NAMES = tuple(feature.name for feature in FEATURES)
EVIDENCE = NAMES[:-1]
LABELS = ("W", "Light", "Deep", "REM")
TRAINING = Training(
    data=[Source("nights of a test", "CC0-1.0", "nobody")], seed=7, code_revision="test"
)


def a_night(seed: int = 1, epochs: int = 30) -> engine.Night:
    """With a gap in it and a value missing."""
    features = np.random.default_rng(seed).normal(size=(epochs, len(NAMES))).astype(np.float32)
    features[5] = np.nan
    features[9, 3] = np.nan
    return engine.Night(features, 2)


def linear(seed: int = 0, *, labels: tuple[str, ...] = LABELS) -> engine.Model:
    """Each seed answers otherwise."""
    drawn = np.random.default_rng(seed)
    weights = drawn.normal(size=(3 * len(NAMES), len(labels))).astype(np.float32)
    return engine.Model(
        labels=labels,
        features=NAMES,
        evidence=EVIDENCE,
        window=engine.Window(1, 1, 1),
        normalisation=engine.Fixed(np.zeros(len(NAMES)), np.ones(len(NAMES))),
        columns=engine.Columns(),
        head=engine.Linear(weights, drawn.normal(size=len(labels)).astype(np.float32)),
        decoder=engine.Chain(
            np.full((len(labels),) * 2, 1 / len(labels)), np.full(len(labels), 1 / len(labels))
        ),
        temperature=1.5,
        history=2,
    )


def clock() -> engine.Model:
    return engine.Model(
        labels=LABELS,
        features=NAMES,
        evidence=EVIDENCE,
        window=engine.Window(0, 0, 0),
        normalisation=engine.RobustNight(5.0),
        columns=engine.Columns(("known", "elapsed")),
        head=engine.Clock(np.eye(4, dtype=np.float32), 10),
    )


def network_bytes(seed: int = 0, *, fails_from: float = 0.0, most_blocks: int = 0) -> bytes:
    """One matrix product over the features; of values that large, or of more blocks at once, it
    looks beyond the end of a table."""
    weights = np.random.default_rng(seed).normal(size=(len(NAMES), 4)).astype(np.float32)
    nodes, given = _failing(fails_from, most_blocks)
    shape = ["batch", "epochs"]
    graph = helper.make_graph(
        [
            *nodes,
            helper.make_node("MatMul", ["added" if nodes else "columns", "weights"], ["logits"]),
        ],
        "test",
        [helper.make_tensor_value_info("columns", TensorProto.FLOAT, [*shape, len(NAMES)])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [*shape, 4])],
        [numpy_helper.from_array(weights, "weights"), *given],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def _failing(fails_from: float, most_blocks: int) -> tuple[list[NodeProto], list[TensorProto]]:
    if not fails_from and not most_blocks:
        return [], []
    measured = [helper.make_node("Shape", ["columns"], ["blocks"], end=1)]
    if fails_from:
        measured = [helper.make_node("ReduceMax", ["columns"], ["most"], keepdims=0)]
    from_ = np.array(fails_from or most_blocks + 1)
    nodes = [
        *measured,
        helper.make_node(
            "Cast", ["most" if fails_from else "blocks"], ["found"], to=TensorProto.FLOAT
        ),
        helper.make_node("Div", ["found", "from"], ["share"]),
        helper.make_node("Cast", ["share"], ["place"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "place"], ["nothing"]),
        helper.make_node("Add", ["columns", "nothing"], ["added"]),
    ]
    numbers = {"from": from_.astype(np.float32), "table": np.zeros(1, np.float32)}
    return nodes, [numpy_helper.from_array(value, name) for name, value in numbers.items()]


def networked(raw: bytes | None = None) -> engine.Model:
    return engine.Model(
        labels=LABELS,
        features=NAMES,
        evidence=EVIDENCE,
        window=engine.Window(2, 2, 1),
        normalisation=engine.Fixed(np.zeros(len(NAMES)), np.ones(len(NAMES))),
        columns=engine.Columns(),
        head=network.load(raw or network_bytes()),
    )


def draft(version: str = "test-1", model: engine.Model | None = None, **more: object) -> Draft:
    model = model or linear()
    facts: dict[str, object] = {
        "passes": ("live", "night"),
        "schema_version": ACTIVE_VERSION,
        "features": FEATURES,
        "training": TRAINING,
        "summary": "A model of a test.",
        "card": "# A model of a test\n",
        "metrics": {"kappa": {"value": 0.5, "low": 0.4, "high": 0.6}},
    } | more
    night = a_night()
    recorded = tuple(golden.record(model, night, each) for each in facts["passes"])
    return Draft(version=version, model=model, **{"golden": recorded, **facts})


def written(root: Path, version: str = "test-1", seed: int = 0, **more: object) -> Loaded:
    return write(root / version, draft(version, linear(seed), **more))
