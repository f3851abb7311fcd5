"""Night and live pass against their slow twins, and what each may and may not depend on."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from inference.engine import (
    Chain,
    Model,
    Night,
    NightUnfit,
    RobustNight,
    Staged,
    Window,
    newest_stageable,
    stage_live,
    stage_night,
)
from inference.engine.passes import likeliest
from recordings.grid import MAX_EPOCHS
from recordings.stages import code_of
from tests.inference import slow_engine
from tests.inference.engine_models import (
    chain,
    linear,
    linear_head,
    model,
    models,
    night,
    nights_for,
)

some = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CLOSE = 1e-6


def assert_same(one: Staged, two: Staged) -> None:
    np.testing.assert_allclose(one.probabilities, two.probabilities, rtol=0, atol=CLOSE)
    np.testing.assert_allclose(one.confidence, two.confidence, rtol=0, atol=CLOSE)
    np.testing.assert_array_equal(one.stages, two.stages)


def epochs_of(staged: Staged, which: slice) -> Staged:
    return Staged(staged.stages[which], staged.probabilities[which], staged.confidence[which])


def up_to(given: Night, end: int) -> Night:
    return Night(given.features[:end], given.first_index)


@some
@given(st.data())
def test_a_night_is_staged_as_the_slow_twin_does(data: st.DataObject) -> None:
    model = data.draw(models())
    drawn = data.draw(nights_for(model))

    staged = stage_night(model, drawn)

    stages, probabilities = slow_engine.stage_night(model, drawn)
    np.testing.assert_allclose(staged.probabilities, probabilities, rtol=0, atol=CLOSE)
    assert staged.stages.tolist() == stages


@some
@given(st.data())
def test_the_newest_epochs_are_staged_as_the_slow_twin_does(data: st.DataObject) -> None:
    model = data.draw(models())
    drawn = data.draw(nights_for(model))
    newest = data.draw(st.integers(0, len(drawn)))

    staged = stage_live(model, drawn, newest)

    assert len(staged) == newest
    for at, position in enumerate(range(len(drawn) - newest, len(drawn))):
        stage, probabilities = slow_engine.stage_one_live(model, drawn, position)
        np.testing.assert_allclose(staged.probabilities[at], probabilities, rtol=0, atol=CLOSE)
        assert staged.stages[at] == stage


@some
@given(st.data())
def test_many_live_epochs_at_once_are_as_each_alone(data: st.DataObject) -> None:
    model = data.draw(models())
    drawn = data.draw(nights_for(model))

    together = stage_live(model, drawn, len(drawn))

    for end in range(1, len(drawn) + 1):
        alone = stage_live(model, up_to(drawn, end), 1)
        assert_same(epochs_of(together, slice(end - 1, end)), alone)


@some
@given(st.data())
def test_a_live_stage_depends_on_the_epochs_within_reach_only(data: st.DataObject) -> None:
    model = data.draw(models())
    drawn = data.draw(nights_for(model, longest=60))
    assume(len(drawn) >= model.reach)
    start = len(drawn) - model.reach

    alone = stage_live(model, Night(drawn.features[start:], drawn.first_index + start), 1)

    assert_same(stage_live(model, drawn, 1), alone)


def test_a_live_stage_reaches_no_less_far_than_it_says() -> None:
    model = linear(decoder=chain(3), history=2, window=Window(2, 0, 0))
    calm = night(40, 3, seed=5)
    other = calm.features.copy()
    other[-model.reach] = 30

    changed = stage_live(model, Night(other), model.reach)

    assert not np.allclose(changed.probabilities[0], stage_live(model, calm, 5).probabilities[0])
    assert model.reach == 5


def test_the_chain_went_on_before_the_first_known_epoch() -> None:
    onwards = np.array([[0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0.5, 0.5], [0, 0, 0, 1]])
    drifting = Chain(onwards, np.array([1.0, 0, 0, 0]))
    head = linear_head(3, Window(0, 0, 0), seed=0)
    own = model(head, 3, Window(2, 0, 1), decoder=drifting, history=60)
    late = np.full((60, 3), np.nan, np.float32)
    late[-1] = 0.1

    alone, together = stage_live(own, Night(late), 1), stage_live(own, Night(late), 2)

    assert alone.stages.tolist() == together.stages[-1:].tolist() == [code_of("REM")]


def test_a_night_is_staged_alike_however_it_lies_in_memory() -> None:
    own, given = linear(history=7), night(40, 3, seed=3)
    across = Night(np.asfortranarray(given.features))

    assert_same(stage_live(own, across, 20), stage_live(own, given, 20))
    assert_same(stage_night(own, across), stage_night(own, given))


def test_the_longest_night_is_normalised_by_itself() -> None:
    values = np.random.default_rng(0).normal(size=(MAX_EPOCHS, 3)).astype(np.float32)

    staged = stage_night(linear(normalisation=RobustNight()), Night(values))

    assert staged.is_staged.all()


def test_long_live_runs_are_cut_without_a_seam() -> None:
    model = linear(decoder=chain(1), history=60)
    long = night(500, 3, seed=2)

    together = stage_live(model, long, 500)

    for end in (100, 129, 130, 131, 260, 500):
        alone = stage_live(model, up_to(long, end), 1)
        assert_same(epochs_of(together, slice(end - 1, end)), alone)


def test_live_runs_take_little_memory_however_long_they_are() -> None:
    model = linear(decoder=chain(1), history=700)
    long = night(2_000, 3, seed=2)

    tracemalloc.start()
    stage_live(model, long, 2_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 20_000_000


def test_equals_but_for_rounding_are_the_earlier_label() -> None:
    assert likeliest(np.array([[0.5 - 1e-12, 0.5 + 1e-12]])).tolist() == [0]


def test_the_confidence_is_the_calibrated_probability_of_the_stage_given() -> None:
    model = linear(decoder=chain(4), temperature=1.5)

    staged = stage_night(model, night(200, 3, seed=9))

    places = [list(model.codes).index(code) for code in staged.stages if code >= 0]
    shown = staged.probabilities[staged.is_staged]
    np.testing.assert_array_equal(
        staged.confidence[staged.is_staged], shown[np.arange(len(places)), places]
    )
    assert np.isnan(staged.confidence[~staged.is_staged]).all()
    assert (places != shown.argmax(axis=1)).any()  # the decoder had a say


def test_stages_are_codes_of_recordings() -> None:
    staged = stage_night(linear(), night(400, 3, seed=1))

    assert staged.stages.dtype == np.int8
    assert set(staged.stages.tolist()) <= {-1, *map(code_of, ("W", "Light", "Deep", "REM"))}
    assert code_of("Light") in staged.stages


@pytest.mark.parametrize("pass_", ["night", "live"])
@pytest.mark.parametrize("epochs", [0, 1, 50])
def test_a_night_of_gaps_has_no_stage_at_all(pass_: str, epochs: int) -> None:
    model = linear(decoder=chain(1), history=5)
    gaps = Night(np.full((epochs, 3), np.nan, dtype=np.float32))

    staged = stage(model, gaps, pass_)

    assert staged.stages.tolist() == [-1] * epochs
    assert staged.probabilities.shape == (epochs, 4)
    assert staged.probabilities.dtype == staged.confidence.dtype == np.float32
    assert np.isnan(staged.probabilities).all()
    assert np.isnan(staged.confidence).all()


@pytest.mark.parametrize("pass_", ["night", "live"])
def test_one_epoch_is_a_night(pass_: str) -> None:
    one = Night(np.ones((1, 3), dtype=np.float32), first_index=3)

    staged = stage(linear(decoder=chain(1), history=5), one, pass_)

    assert staged.stages[0] >= 0
    assert staged.probabilities.sum() == pytest.approx(1)


def test_a_gap_has_no_stage_and_neither_has_what_is_left_alone_by_gaps() -> None:
    values = np.ones((14, 3), dtype=np.float32)
    values[[3, 6, 7, 9, 10]] = np.nan

    staged = stage_night(linear(window=Window(2, 2, 3), decoder=chain(1)), Night(values))

    assert np.flatnonzero(staged.is_staged).tolist() == [0, 1, 2, 4, 11, 12, 13]


NOBODY = {"flags alone": [np.nan, np.nan, 79], "an empty bed": [np.nan, 0, 79]}


@pytest.mark.parametrize("pass_", ["night", "live"])
@pytest.mark.parametrize("row", NOBODY.values(), ids=NOBODY)
def test_where_nobody_is_there_is_no_stage(pass_: str, row: list[float]) -> None:
    """Of a heart, a movement and flags."""
    model = linear(decoder=chain(1), history=5, evidence=("feature_0", "feature_1"))
    nobody = Night(np.tile(np.array(row, dtype=np.float32), (50, 1)))

    staged = stage(model, nobody, pass_)

    assert staged.stages.tolist() == [-1] * 50
    assert np.isnan(staged.probabilities).all()
    assert newest_stageable(model, nobody) is None


@pytest.mark.parametrize("row", [[60, 0, 79], [np.nan, 3, np.nan]])
def test_a_heart_or_a_movement_is_somebody(row: list[float]) -> None:
    model = linear(decoder=chain(1), evidence=("feature_0", "feature_1"))
    somebody = Night(np.tile(np.array(row, dtype=np.float32), (5, 1)))

    assert stage_night(model, somebody).is_staged.all()


@some
@given(st.data())
def test_what_an_unknown_epoch_says_changes_nothing(data: st.DataObject) -> None:
    model = data.draw(models())
    drawn = data.draw(nights_for(model))
    known = [slow_engine.knows(model, row) for row in drawn.features]
    told = np.where(np.array(known, dtype=bool)[:, None], drawn.features, np.float32(np.nan))

    assert_same(stage_night(model, drawn), stage_night(model, Night(told, drawn.first_index)))


@some
@given(st.data())
def test_the_newest_epoch_with_a_live_stage_is_found_without_staging(data: st.DataObject) -> None:
    model = data.draw(models())
    drawn = data.draw(nights_for(model))

    place = newest_stageable(model, drawn)

    staged = np.flatnonzero(stage_live(model, drawn, len(drawn)).is_staged)
    assert place == (staged[-1] if len(staged) else None)


def test_one_silent_epoch_leaves_the_shipped_window_its_stages() -> None:
    model = linear(window=Window(30, 20, 21), decoder=chain(1), history=40)
    values = np.ones((60, 3), dtype=np.float32)
    values[10] = np.nan

    staged = stage_live(model, Night(values), 60)

    assert np.flatnonzero(staged.is_staged).tolist() == [*range(21, 60)]


def test_twenty_epochs_are_too_few_and_the_21st_is_the_first_with_a_live_stage() -> None:
    model = linear(window=Window(30, 20, 21), decoder=chain(1), history=40)

    staged = stage_live(model, Night(np.ones((22, 3), dtype=np.float32)), 22)

    assert staged.is_staged.tolist() == [False] * 20 + [True] * 2


def test_what_came_with_a_request_is_not_changed() -> None:
    given = night(50, 3, seed=1)
    before = given.features.copy()

    stage_night(linear(), given)
    stage_live(linear(), given, 20)

    np.testing.assert_array_equal(given.features, before)


@pytest.mark.parametrize("pass_", ["night", "live"])
@pytest.mark.parametrize("shape", [(5, 2), (5, 4), (5,), (MAX_EPOCHS + 1, 3)])
def test_a_night_of_another_shape_is_refused(pass_: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(NightUnfit, match=r"takes 3|at most"):
        stage(linear(features=3), Night(np.zeros(shape, dtype=np.float32)), pass_)


def test_fewer_than_no_newest_epochs_are_refused() -> None:
    with pytest.raises(NightUnfit, match="-1"):
        stage_live(linear(), night(5, 3, seed=1), -1)


def stage(model: Model, given: Night, pass_: str) -> Staged:
    return stage_night(model, given) if pass_ == "night" else stage_live(model, given, len(given))
