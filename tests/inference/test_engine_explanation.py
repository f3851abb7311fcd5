"""Why this stage: contributions that add up to the logits the passes saw."""

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from inference.engine import (
    Model,
    Night,
    NightUnfit,
    Window,
    explain,
    network,
    stage_live,
    stage_night,
)
from inference.engine.passes import softmax
from tests.inference.engine_models import convolutions, linear, model, models, night, nights_for

some = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
METHODS = {
    "linear": "linear_contributions",
    "clock": "clock_table",
    "onnx": "seeded_occlusion",
}


@some
@given(st.data(), st.sampled_from(["live", "night"]))
def test_contributions_and_bias_are_the_logit(data: st.DataObject, pass_: str) -> None:
    made = data.draw(models())
    drawn = data.draw(nights_for(made, longest=30))
    assume(len(drawn))
    position = data.draw(st.integers(0, len(drawn) - 1))

    told = explain(made, drawn, position, pass_)

    assert told.method == METHODS[made.head.kind]
    assert told.contributions.shape == (len(told.names), len(told.labels))
    total = told.contributions.sum(axis=0) + told.bias
    np.testing.assert_allclose(total, told.logits, rtol=0, atol=1e-5)


@some
@given(st.data(), st.sampled_from(["live", "night"]))
def test_the_logits_are_those_the_pass_saw(data: st.DataObject, pass_: str) -> None:
    made = data.draw(models(heads=("linear", "clock")))
    drawn = data.draw(nights_for(made, longest=30))
    assume(len(drawn))
    position = data.draw(st.integers(0, len(drawn) - 1))

    told = explain(made, drawn, position, pass_)

    assert_seen(made, drawn, position, pass_, told.logits)


@pytest.mark.parametrize("pass_", ["live", "night"])
@pytest.mark.parametrize("position", [0, 2, 20, 38, 39])
def test_a_network_is_explained_as_the_pass_saw_it(pass_: str, position: int) -> None:
    """A network that sees 7 epochs, with a window of 7."""
    made = model(network.load(convolutions(3, 4, (4, 4))), 3, Window(3, 3, 0))
    drawn = night(40, 3, seed=6)

    told = explain(made, drawn, position, pass_)

    assert_seen(made, drawn, position, pass_, told.logits)


def assert_seen(made: Model, drawn: Night, position: int, pass_: str, logits: np.ndarray) -> None:
    until = Night(drawn.features[: position + 1], drawn.first_index)
    staged = stage_night(made, drawn) if pass_ == "night" else stage_live(made, until, 1)
    shown = staged.probabilities[position if pass_ == "night" else 0]
    if not np.isnan(shown).any():
        found = softmax(logits / made.temperature)
        np.testing.assert_allclose(found, shown, rtol=0, atol=1e-6)


def test_an_explanation_is_the_same_every_time() -> None:
    made = model(network.load(convolutions(3, 4, (4, 4))), 3, Window(3, 3, 1))
    drawn = night(40, 3, seed=2)

    first, again = (explain(made, drawn, 20, "night") for _ in range(2))

    np.testing.assert_array_equal(first.contributions, again.contributions)


def test_a_feature_that_a_network_does_not_look_at_contributes_nothing() -> None:
    head = network.load(convolutions(3, 4, (4, 4)))
    blind = network.load(_blind_to_the_first(convolutions(3, 4, (4, 4))))
    drawn = Night(np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32))

    seen = explain(model(head, 3, Window(3, 3, 1)), drawn, 20, "night")
    unseen = explain(model(blind, 3, Window(3, 3, 1)), drawn, 20, "night")

    assert np.abs(seen.contributions).max(axis=1).min() > 1e-3
    assert np.abs(unseen.contributions[0]).max() < 1e-6
    assert np.abs(unseen.contributions[1:]).max(axis=1).min() > 1e-3


def _blind_to_the_first(onnx_bytes: bytes) -> bytes:
    made = onnx.load_from_string(onnx_bytes)
    kernel = made.graph.initializer[0]
    values = onnx.numpy_helper.to_array(kernel).copy()
    values[:, 0] = 0
    kernel.CopyFrom(onnx.numpy_helper.from_array(values, kernel.name))
    return made.SerializeToString()


def test_a_gap_contributes_nothing() -> None:
    values = np.ones((9, 3), dtype=np.float32)
    values[:, 1] = np.nan

    told = explain(linear(), Night(values), 4, "night")

    assert told.names == ("feature_0", "feature_1", "feature_2")
    assert (told.contributions[1] == 0).all()
    assert (told.contributions[0] != 0).all()


@pytest.mark.parametrize("position", [-1, 5])
def test_an_epoch_that_is_not_there_is_not_explained(position: int) -> None:
    with pytest.raises(NightUnfit, match=f"{position} of 5"):
        explain(linear(), night(5, 3, seed=1), position, "night")
