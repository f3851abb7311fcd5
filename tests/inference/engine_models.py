"""Models and nights for the engine's tests: drawn by hypothesis, or made from a seed."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from inference.engine import (
    Chain,
    Clock,
    Columns,
    Fixed,
    Head,
    Linear,
    Model,
    Network,
    Night,
    RobustNight,
    Window,
    network,
)

LABELS = ("W", "Light", "Deep", "REM")
AROUND = Window(2, 2, 1)
STEPS = ("features", "known", "known_each", "elapsed", "elapsed_squared", "context")


def names(features: int) -> tuple[str, ...]:
    return tuple(f"feature_{place}" for place in range(features))


def shares(random: np.random.Generator, *shape: int) -> np.ndarray:
    """Probabilities along the last axis, some of them 0."""
    found = random.dirichlet(np.full(shape[-1], 0.5), shape[:-1])
    found[found < 0.05] = 0
    return found / found.sum(axis=-1, keepdims=True)


def chain(seed: int, labels: int = 4, *, has_prior: bool = True) -> Chain:
    random = np.random.default_rng(seed)
    priors = random.dirichlet(np.full(labels, 5.0), 2) if has_prior else (None, None)
    return Chain(shares(random, labels, labels), shares(random, labels), *priors)


def night(epochs: int, features: int, seed: int, first_index: int = 0) -> Night:
    """With gaps of whole epochs, values missing or 0 in others, and one that is no number."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(epochs, features)).astype(np.float32)
    values[random.random((epochs, features)) < 0.1] = np.nan
    values[random.random((epochs, features)) < 0.1] = 0
    values[random.random(epochs) < 0.2] = np.nan
    if epochs:
        values[random.integers(epochs), random.integers(features)] = np.inf
    return Night(values, first_index)


def convolutions(columns: int, labels: int, widths: tuple[int, ...], seed: int = 0) -> bytes:
    """A dilated network that sees 3, 7, 15, … epochs, and any number of them."""
    random = np.random.default_rng(seed)
    weights, nodes = [], [helper.make_node("Transpose", ["columns"], ["x0"], perm=[0, 2, 1])]
    sizes = [columns, *widths, labels]
    for layer in range(len(widths) + 1):
        is_last = layer == len(widths)
        length, reach = (1, 0) if is_last else (3, 2**layer)
        shape = (sizes[layer + 1], sizes[layer], length)
        kernel = (random.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
        weights.append(numpy_helper.from_array(kernel, f"w{layer}"))
        nodes.append(
            helper.make_node(
                "Conv",
                [f"x{layer}", f"w{layer}"],
                [f"y{layer}"],
                dilations=[max(reach, 1)],
                pads=[reach, reach],
            )
        )
        if not is_last:
            nodes.append(helper.make_node("Relu", [f"y{layer}"], [f"x{layer + 1}"]))
    nodes.append(helper.make_node("Transpose", [f"y{len(widths)}"], ["logits"], perm=[0, 2, 1]))
    return graph(nodes, columns, labels, weights)


def graph(nodes: list[Any], columns: int, labels: int, weights: list[Any]) -> bytes:
    """The bytes of a `model.onnx` from `columns` to `logits`."""
    made = helper.make_graph(
        nodes,
        "head",
        [helper.make_tensor_value_info("columns", TensorProto.FLOAT, ["b", "e", columns])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", "e", labels])],
        weights,
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(made, opset_imports=opsets, ir_version=9).SerializeToString()


def linear(
    features: int = 3,
    window: Window = AROUND,
    *,
    steps: tuple[str, ...] = ("features",),
    seed: int = 0,
    **more: Any,
) -> Model:
    width = len(Columns(steps).names(names(features)))
    return model(linear_head(width, window, seed), features, window, steps=steps, **more)


def linear_head(columns: int, window: Window, seed: int) -> Linear:
    random = np.random.default_rng(seed)
    weights = random.normal(size=(window.length * columns, len(LABELS)))
    return Linear(weights.astype(np.float32), random.normal(size=4).astype(np.float32))


def clock_head(seed: int) -> Clock:
    table = np.random.default_rng(seed).normal(size=(5, 4)).astype(np.float32)
    return Clock(table, epochs_per_bin=3)


def network_head(columns: int, seed: int) -> Network:
    return network.load(convolutions(columns, len(LABELS), (4, 4), seed))


def model(head: Head, features: int, window: Window, **more: Any) -> Model:
    return Model(
        labels=LABELS,
        features=names(features),
        evidence=more.pop("evidence", names(features)),
        window=window,
        normalisation=more.pop("normalisation", fixed(features)),
        columns=more.pop("columns", None) or Columns(more.pop("steps", ("features",))),
        head=head,
        **more,
    )


def magnitudes(features: int) -> RobustNight:
    """Of every second feature the logarithm of its magnitude, and all with a least spread."""
    least = np.where(np.arange(features) % 2, 0.1, 0.0)
    return RobustNight(4.0, np.linspace(0, 1, features), least)


@st.composite
def columns_of(draw: st.DrawFn, features: int) -> Columns:
    steps = tuple(draw(st.lists(st.sampled_from(STEPS), min_size=1, unique=True)))
    places = tuple(draw(st.lists(st.sampled_from(range(features)), unique=True)))
    seen = len(places) or features
    return Columns(steps, places, draw(st.none() | st.sampled_from(range(seen))))


def fixed(features: int) -> Fixed:
    return Fixed(np.linspace(-1, 1, features), np.linspace(0.5, 2, features))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    before, after = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    return Window(before, after, draw(st.integers(0, before + after + 1)))


@st.composite
def models(draw: st.DrawFn, heads: tuple[str, ...] = ("linear", "clock", "onnx")) -> Model:
    """Every kind of part with every other, weights from a seed."""
    window, features, seed = draw(windows()), draw(st.integers(1, 4)), draw(st.integers(0, 99))
    columns = draw(columns_of(features))
    width = len(columns.names(names(features)))
    own = Window(0, 0, 0) if draw(st.booleans()) else window
    head = {
        "linear": lambda: linear_head(width, own, seed),
        "clock": lambda: clock_head(seed),
        "onnx": lambda: network_head(width, seed),
    }[draw(st.sampled_from(heads))]()
    has_prior = draw(st.booleans())
    return model(
        head,
        features,
        window,
        columns=columns,
        evidence=draw(evidences(features)),
        normalisation=draw(
            st.sampled_from([fixed(features), RobustNight(2.5), magnitudes(features)])
        ),
        decoder=draw(st.sampled_from([None, chain(seed, has_prior=has_prior)])),
        temperature=draw(st.sampled_from([0.5, 1.0, 1.7])),
        history=draw(st.integers(0, 7)),
    )


def evidences(features: int) -> st.SearchStrategy[tuple[str, ...]]:
    some = st.lists(st.sampled_from(names(features)), min_size=1, unique=True)
    return some.map(tuple)


def nights_for(model: Model, longest: int = 40) -> st.SearchStrategy[Night]:
    return st.builds(
        lambda epochs, seed, first: night(epochs, len(model.features), seed, first),
        st.integers(0, longest),
        st.integers(0, 999),
        st.sampled_from([0, 7, 300]),
    )
