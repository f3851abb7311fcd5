"""Where things lie on a chart: columns, steps of an axis, and the local clock of a night."""

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noctis.charts.scales import Scale, columns_of, extent, known, runs
from tests.charts import drawn


@given(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=50), st.integers(1, 12))
def test_columns_are_what_a_slow_count_says(values: list[float | None], most: int) -> None:
    columns = columns_of(known([np.nan if value is None else value for value in values]), most)

    width = -(-len(values) // most) or 1
    parts = [values[start : start + width] for start in range(0, len(values), width)]
    told = [[value for value in part if value is not None] for part in parts]
    assert len(columns.mean) == len(parts) <= most
    for mean, low, high, part in zip(columns.mean, columns.low, columns.high, told, strict=True):
        if not part:
            assert np.isnan([mean, low, high]).all()
            continue
        assert mean == pytest.approx(sum(part) / len(part), abs=1e-6)
        assert (low, high) == (min(part), max(part))


@given(st.lists(st.integers(-1, 3), max_size=40))
def test_runs_put_together_are_what_they_were_made_of(codes: list[int]) -> None:
    found = runs(np.array(codes, np.int64))

    assert [code for first, end, code in found for _ in range(end - first)] == codes
    assert all(one[2] != other[2] for one, other in pairwise(found))


@given(st.floats(-1e9, 1e9), st.floats(0.001, 1e9), st.integers(2, 6))
def test_steps_of_an_axis_are_few_even_and_within_it(low: float, wide: float, wanted: int) -> None:
    scale = Scale(*extent(np.array([low, low + wide])), 0, 100)

    ticks = scale.ticks(wanted)

    assert 1 <= len(ticks) <= wanted + 1
    assert all(-0.001 <= scale.at(tick) <= 100.001 for tick in ticks)


def test_a_single_value_has_room_on_both_sides() -> None:
    low, high = extent(np.array([60.0]))

    assert low < 60 < high


def test_whole_hours_are_those_of_the_local_clock() -> None:
    ticks = drawn.clock(480, "Asia/Kolkata", datetime(2026, 3, 1, 16, 45, tzinfo=UTC)).ticks()

    assert [label for _, label in ticks] == [
        "22:30",
        "23:00",
        "23:30",
        "00:00",
        "00:30",
        "01:00",
        "01:30",
        "02:00",
    ]
    assert ticks[0][0] == 30


def test_the_hour_that_a_night_lives_twice_is_labelled_twice() -> None:
    clock = drawn.clock(960, start=datetime(2026, 10, 24, 22, 0, tzinfo=UTC))

    labels = [label for _, label in clock.ticks()]

    assert labels[:5] == ["00:00", "01:00", "02:00", "02:00", "03:00"]
    assert clock.zone_name == "CEST/CET"


def test_a_window_of_two_hours_is_labelled_by_ten_minutes() -> None:
    clock = drawn.clock(240, start=datetime(2026, 6, 1, 22, 3, tzinfo=UTC))

    assert [label for _, label in clock.ticks()][:3] == ["00:10", "00:20", "00:30"]
