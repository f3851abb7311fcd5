"""The chain of stages: the tree against the loop, ties included, and the loop against all paths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.engine import Chain, ModelUnfit
from inference.engine.decoding import EQUAL
from tests.inference import slow_engine
from tests.inference.engine_models import chain, shares

some = settings(max_examples=200, deadline=None)
EVEN = np.full(4, 0.25)


@st.composite
def chains(draw: st.DrawFn, labels: int) -> Chain:
    """Of few different numbers, so that many paths are equally good."""
    rows = [draw(coarse(labels)) for _ in range(labels)]
    prior = draw(st.none() | st.just(np.full(labels, 1 / labels)))
    return Chain(np.array(rows), draw(coarse(labels)), prior)


@st.composite
def coarse(draw: st.DrawFn, labels: int) -> np.ndarray:
    parts = draw(st.lists(st.integers(0, 2), min_size=labels, max_size=labels))
    return (np.array(parts) + (sum(parts) == 0)) / (sum(parts) or labels)


@st.composite
def beliefs(draw: st.DrawFn, labels: int, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (epochs, labels) and which are known (epochs,)."""
    epochs = draw(st.integers(1, longest))
    rows = [draw(coarse(labels)) for _ in range(epochs)]
    known = draw(st.lists(st.booleans(), min_size=epochs, max_size=epochs))
    return np.array(rows), np.array(known)


@some
@given(st.data(), st.integers(2, 6))
def test_the_tree_finds_the_path_of_the_loop(data: st.DataObject, labels: int) -> None:
    model, (found, known) = data.draw(chains(labels)), data.draw(beliefs(labels, 40))

    path = model.decode(found, known)

    assert path.tolist() == slow_engine.viterbi(model, found, known.tolist())


@some
@given(st.data(), st.integers(2, 3))
def test_no_path_is_likelier(data: st.DataObject, labels: int) -> None:
    model, (found, known) = data.draw(chains(labels)), data.draw(beliefs(labels, 6))

    path = tuple(model.decode(found, known).tolist())

    said = [slow_engine.emission(model, *row) for row in zip(found, known, strict=True)]
    best = slow_engine.likeliest_path(model, found, known.tolist())
    assert slow_engine.path_score(model, said, path) == best


@pytest.mark.parametrize("epochs", [957, 959, 960, 961, 2_880])
def test_whole_nights_are_decoded_as_the_loop_does(epochs: int) -> None:
    random, model = np.random.default_rng(epochs), chain(seed=epochs)
    found, known = shares(random, epochs, 4), random.random(epochs) > 0.1

    path = model.decode(found, known)

    assert path.tolist() == slow_engine.viterbi(model, found, known.tolist())


def test_equal_paths_come_from_the_earlier_label() -> None:
    nobody_knows = np.full((50, 4), 0.25)

    path = Chain(np.full((4, 4), 0.25), EVEN).decode(nobody_knows, np.ones(50, dtype=bool))

    assert path.tolist() == [0] * 50


def test_the_chain_goes_on_through_a_gap() -> None:
    """After 0 comes 1, after 1 comes 2, and from there it does not move."""
    onwards = np.array([[0.0, 1, 0], [0, 0, 1], [0, 0, 1]])
    said = np.array([[0.9, 0.05, 0.05], [1, 0, 0], [1, 0, 0], [0.1, 0.1, 0.8]])
    known = np.array([True, False, False, True])

    model = Chain(onwards, np.full(3, 1 / 3))

    assert model.decode(said, known).tolist() == [0, 1, 2, 2]
    assert model.filter(said[None, :2], known[None, :2]).tolist() == [1]


def test_a_prior_that_training_had_is_divided_out() -> None:
    rare = np.array([[0.4, 0.6]])
    known = np.ones(1, dtype=bool)
    even, half = np.full((2, 2), 0.5), np.full(2, 0.5)

    plain, corrected = Chain(even, half), Chain(even, half, prior=np.array([0.1, 0.9]))

    assert plain.decode(rare, known).tolist() == [1]
    assert corrected.decode(rare, known).tolist() == [0]
    assert corrected.filter(rare[None], known[None]).tolist() == [0]


@some
@given(st.data(), st.integers(2, 6))
def test_the_filter_believes_what_the_loop_does(data: st.DataObject, labels: int) -> None:
    model, (found, known) = data.draw(chains(labels)), data.draw(beliefs(labels, 70))

    (place,) = model.filter(found[None], known[None])

    belief = slow_engine.forward(model, found, known.tolist())
    near = [round(value / max(belief) / EQUAL) for value in belief]
    assert place == near.index(max(near))


@some
@given(st.data(), st.integers(2, 6), st.integers(0, 90))
def test_epochs_before_that_nobody_knows_need_not_be_shown(
    data: st.DataObject, labels: int, before: int
) -> None:
    model, (found, known) = data.draw(chains(labels)), data.draw(beliefs(labels, 20))

    told = model.filter(found[None], known[None], before=before)

    blank = np.full((before, labels), 1 / labels)
    shown = np.concatenate([blank, found]), np.concatenate([np.zeros(before, bool), known])
    assert told.tolist() == model.filter(shown[0][None], shown[1][None]).tolist()


def test_a_long_history_of_the_unthinkable_does_not_run_dry() -> None:
    stubborn = Chain(np.eye(2), np.array([0.0, 1.0]))
    never = np.tile(np.array([[1.0, 0.0], [0.0, 1.0]]), (200, 1))[None]

    place = stubborn.filter(never, np.ones((1, 400), dtype=bool))

    assert place.tolist() == [1]


def test_no_epochs_are_decoded_to_none() -> None:
    assert chain(1).decode(np.empty((0, 4)), np.empty(0, dtype=bool)).tolist() == []


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (Chain(np.eye(3), EVEN), "transitions"),
        (Chain(np.eye(4) * 2, EVEN), "transitions"),
        (Chain(np.eye(4), EVEN * 2), "initial"),
        (Chain(np.eye(4), np.array([2.0, -1, 0, 0])), "initial"),
        (Chain(np.eye(4), EVEN, prior=EVEN[:3]), "prior"),
        (Chain(np.eye(4), EVEN, prior=np.full(4, np.nan)), "prior"),
        (Chain(np.eye(4), EVEN, prior=np.array([1, 0, 0, 0])), "prior has a share"),
        (Chain(np.eye(4), EVEN, prior=np.array([1 - 3e-13, *[1e-13] * 3])), "prior has a share"),
    ],
)
def test_a_chain_of_other_than_probabilities_is_refused(broken: Chain, named: str) -> None:
    with pytest.raises(ModelUnfit, match=named):
        broken.check(4)
