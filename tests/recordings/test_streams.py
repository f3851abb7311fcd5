"""Numbers and rows as text: the shortest spelling that is still the number, no live formulas."""

import csv
import io
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recordings import streams

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(arrays(np.float32, st.integers(0, 40), elements=floats))
def test_a_spelling_is_always_the_same_float32(values: np.ndarray) -> None:
    spelt = streams.shortest(values)

    assert np.array_equal(spelt.astype(np.float32), values)


@given(st.lists(st.integers(-2_500_000, 2_500_000), max_size=40))
def test_a_short_decimal_is_spelt_as_it_was_sent(ten_thousandths: list[int]) -> None:
    sent = [number / 10_000 for number in ten_thousandths]

    spelt = streams.shortest(np.array(sent, np.float32)).tolist()

    assert spelt == [float(str(np.float32(number))) for number in sent]


def test_gaps_zeros_and_extremes_stay_as_they_are() -> None:
    values = np.array([np.nan, 0.0, -0.0, 3.4e38, 1e-45, 2**24], np.float32)

    spelt = streams.shortest(values)

    assert np.array_equal(spelt.astype(np.float32).view("u4"), values.view("u4"))


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@sum", "\ttab", "\rreturn", "\nline"])
def test_a_text_that_starts_like_a_formula_is_defused(start: str) -> None:
    (cell,) = next(csv.reader(io.StringIO(streams.csv_row([start]), newline="")))

    assert cell.startswith("'")


def test_plain_cells_stay_as_they_are() -> None:
    at = datetime(2026, 3, 1, 21, 4, 5, tzinfo=UTC)

    line = streams.csv_row(["ward 3", 'a "b", c', -1.5, None, at])

    assert line == 'ward 3,"a ""b"", c",-1.5,,2026-03-01T21:04:05Z\n'


def test_a_gap_among_numbers_is_an_empty_cell() -> None:
    lines = streams.csv_numbers(["a", "b"], np.array([[1.5, np.nan], [np.nan, -2.0]]))

    assert lines == ["a,1.5,\n", "b,,-2.0\n"]


def test_no_rows_are_no_lines() -> None:
    assert streams.csv_numbers([], np.empty((0, 3))) == []
    assert streams.ndjson([]) == ""


def test_instants_show_fractions_only_where_there_are_any() -> None:
    whole = np.array(["2026-03-01T23:59:45", "2026-03-02T00:00:15"], "M8[us]")

    assert streams.instants(whole) == ["2026-03-01T23:59:45Z", "2026-03-02T00:00:15Z"]
    assert streams.instants(whole[:1] + 5) == ["2026-03-01T23:59:45.000005Z"]
