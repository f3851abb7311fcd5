"""Windows, normalisation, columns, heads: each against its slow twin or a night worked by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.engine import (
    Chain,
    Clock,
    Columns,
    Fixed,
    Linear,
    ModelUnfit,
    Night,
    RobustNight,
    Window,
    context,
    stage_live,
    stage_night,
)
from inference.engine.windows import trailing
from tests.inference import slow_engine
from tests.inference.engine_models import linear, model, models, night, windows

some = settings(max_examples=100, deadline=None)
INDEX = np.arange(3)


@some
@given(windows(), st.lists(st.booleans(), max_size=30))
def test_known_epochs_are_counted_within_the_window(window: Window, known: list[bool]) -> None:
    counted = window.count_known(np.array(known, dtype=bool))

    wanted = [slow_engine.count_known(window, known, at) for at in range(len(known))]
    assert counted.tolist() == wanted


def test_what_led_up_to_an_epoch_is_a_view_that_cannot_be_written() -> None:
    features = night(50, 3, seed=1).features

    seen = trailing(features, reach=10, newest=5)

    assert np.shares_memory(seen, features)
    assert not seen.flags.writeable
    np.testing.assert_array_equal(seen[-1], features[-10:])
    np.testing.assert_array_equal(seen[0], features[36:46])


def test_before_the_first_epoch_there_is_a_gap() -> None:
    seen = trailing(np.ones((2, 3), dtype=np.float32), reach=3, newest=2)

    assert np.isnan(seen[:, :, 0]).tolist() == [[True, True, False], [True, False, False]]


@some
@given(st.data())
def test_normalising_is_as_the_slow_twin_does(data: st.DataObject) -> None:
    made = data.draw(models(heads=("clock",)))
    drawn = night(data.draw(st.integers(1, 30)), len(made.features), data.draw(st.integers(0, 99)))

    found = made.normalisation.apply(drawn.features)

    np.testing.assert_allclose(found, slow_engine.normalised(made, drawn.features), atol=1e-9)


def test_a_night_is_normalised_by_itself_whatever_stands_beside_it() -> None:
    one, two = night(30, 3, seed=1).features, night(30, 3, seed=2).features * 100

    together = RobustNight().apply(np.stack([one, two]))

    np.testing.assert_array_equal(together[0], RobustNight().apply(one))


def test_a_feature_that_never_moves_is_neutral_and_an_outlier_is_kept_within_limits() -> None:
    rows = [[7, 1], [7, 2], [7, 3], [np.nan, 1e30], [7, 4], [7, np.nan]]
    values = np.array(rows, dtype=np.float32)

    found = RobustNight(limit=10).apply(values)

    assert found[:3, 0].tolist() == [0, 0, 0]
    assert found[3, 1] == 10
    assert np.isnan(found[3, 0])


@some
@given(st.data())
def test_columns_are_as_the_slow_twin_makes_them(data: st.DataObject) -> None:
    made = data.draw(models(heads=("clock",)))
    normal = made.normalisation.apply(night(12, len(made.features), seed=4).features)

    found = made.columns.of(normal, np.arange(12) - 2)

    np.testing.assert_allclose(found, slow_engine.columns(made, normal, -2), atol=1e-12)
    assert found.shape[1] == len(made.columns.names(made.features))


@pytest.mark.parametrize("epochs", [130, context.FEW])
def test_what_is_around_an_epoch_is_as_the_slow_twin_says_however_long_the_night(
    epochs: int,
) -> None:
    seen = RobustNight().apply(night(epochs, 2, seed=epochs).features)
    seen[40:90, 1] = np.nan
    columns = Columns(("context",))

    whole = columns.once(seen.T[None], np.arange(epochs)[None], epochs)[0]
    end = columns.once(seen.T[None], np.arange(epochs)[None], 81)[0]

    for at in (0, 7, 60, 89, epochs - 60, epochs - 1):
        np.testing.assert_allclose(whole[:, at], slow_engine.around(seen, at), atol=1e-9)
    np.testing.assert_array_equal(end, whole[:, -81:])


def test_columns_say_their_names() -> None:
    columns = Columns(("features", "known", "known_each", "elapsed"))

    assert columns.names(("a", "b")) == ("a", "b", "known", "a_known", "b_known", "elapsed")


def test_columns_of_nights_told_apart_say_so() -> None:
    columns = Columns(("features",), places=(2, 0), apart_by=1)

    assert columns.names(("a", "b", "c")) == ("c", "a", "c_with_a", "a_with_a")


def test_nights_are_told_apart_by_what_most_of_their_known_epochs_know() -> None:
    gap = np.nan
    rows = np.array([[1, gap], [2, 5], [gap, gap], [3, 6], [4, gap]])
    columns = Columns(("features",), apart_by=1)

    most, half = columns.are_apart(rows[:4]), columns.are_apart(rows)

    assert (bool(most), bool(half)) == (True, False)
    assert columns.of(rows[:2], INDEX[:2]).tolist() == [[1, 0, 0, 0], [2, 5, 0, 0]]
    assert columns.of(rows[:4], np.arange(4))[0].tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("steps", [(), ("features", "features"), ("moon_phase",)])
def test_columns_that_nobody_makes_are_refused(steps: tuple[str, ...]) -> None:
    with pytest.raises(ModelUnfit, match="known"):
        Columns(steps)


def test_the_clock_tells_the_time_and_nothing_else() -> None:
    table = np.array([[9, 0, 0, 0], [0, 9, 0, 0], [0, 0, 0, 9]], dtype=np.float32)
    clock = model(Clock(table, epochs_per_bin=2), 3, Window(3, 0, 0))
    same = Night(np.ones((6, 3), dtype=np.float32), first_index=1)

    for staged in (stage_night(clock, same), stage_live(clock, same, 6)):
        words = [clock.labels[list(clock.codes).index(code)] for code in staged.stages]
        assert words == ["W", "Light", "Light", "REM", "REM", "REM"]


def test_the_temperature_softens_and_does_not_reorder() -> None:
    plain, soft = linear(temperature=1.0), linear(temperature=3.0)
    given_night = night(100, 3, seed=1)

    one, two = stage_night(plain, given_night), stage_night(soft, given_night)

    np.testing.assert_array_equal(one.stages, two.stages)
    assert (two.confidence[two.is_staged] < one.confidence[one.is_staged]).all()


WEIGHTS = linear().head.weights
BIAS = linear().head.bias


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"labels": ("W", "Light", "Deep", "moon")}, "moon"),
        ({"labels": ("W", "Light", "Deep", "N3")}, "N3"),
        ({"labels": ("W", "Light", "Deep", "unscored")}, "unscored"),
        ({"labels": ("W", "N1", "N2", "N3", "REM")}, "bias"),
        ({"features": ("a", "b", "b")}, "twice"),
        ({"features": ("a", "b")}, "2 asked"),
        ({"evidence": ()}, "evidence"),
        ({"evidence": ("feature_0", "feature_0")}, "evidence"),
        ({"evidence": ("feature_0", "a wish")}, "evidence"),
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"history": -1}, "history"),
        ({"history": 2_880}, "history"),
        ({"window": Window(3, 2, 1)}, "Weights"),
        ({"columns": Columns(("features", "known"))}, "Weights"),
        ({"head": Linear(WEIGHTS[1:], BIAS)}, "Weights"),
        ({"head": Linear(WEIGHTS * np.float32(np.nan), BIAS)}, "finite"),
        ({"head": Clock(np.zeros((0, 4), dtype=np.float32), 1)}, "table"),
        ({"head": Clock(np.zeros((2, 3), dtype=np.float32), 1)}, "table"),
        ({"head": Clock(np.zeros((2, 4), dtype=np.float32), 0)}, "bin"),
        ({"normalisation": Fixed(np.zeros(2), np.ones(2))}, "Mean"),
        ({"normalisation": Fixed(np.zeros(3), np.array([1.0, 0, 1]))}, "greater"),
        ({"normalisation": Fixed(np.full(3, np.nan), np.ones(3))}, "finite"),
        ({"normalisation": RobustNight(limit=0)}, "within"),
        ({"normalisation": RobustNight(4.0, floor=np.ones(2))}, "Least"),
        ({"normalisation": RobustNight(4.0, least=np.array([0, -1.0, 0]))}, "Least"),
        ({"columns": Columns(places=(0, 3))}, "not among"),
        ({"columns": Columns(apart_by=3)}, "not among"),
        ({"decoder": Chain(np.eye(4), np.eye(4)[0], None, np.full(4, 0.25))}, "told apart"),
    ],
)
def test_parts_that_do_not_fit_make_no_model(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ModelUnfit, match=named):
        replace(linear(), **changes)


@pytest.mark.parametrize("sides", [(-1, 0, 0), (0, -1, 0), (2_880, 0, 1), (1, 1, 4), (1, 1, -1)])
def test_a_window_that_cannot_be_is_refused(sides: tuple[int, int, int]) -> None:
    with pytest.raises(ModelUnfit, match=r"\d"):
        Window(*sides)
