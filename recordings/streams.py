"""Rows as text: NDJSON and CSV, a line each. Pure: values in, text out.

In CSV a gap is an empty cell, and a text that a spreadsheet would take for a formula gets a `'`.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
# Every float32 is told from its neighbours by nine digits; most need fewer.
FEWEST_DIGITS, MOST_DIGITS = 6, 9
# Powers of ten up to this one are exact, so that one division gives the nearest double.
EXACT_POWER = 22

_json = msgspec.json.Encoder()


def shortest(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The doubles that are spelt as the float32 are: 61.3, not 61.29999923706055. Any shape."""
    with np.errstate(all="ignore"):  # zeros, gaps and extremes stay as they are
        wide = values.astype(np.float64)
        spelt = wide.copy()
        exponent = np.floor(np.log10(np.abs(wide)))
        for digits in range(MOST_DIGITS, FEWEST_DIGITS - 1, -1):
            power = digits - 1 - exponent
            scale = 10.0 ** np.clip(power, 0, EXACT_POWER)
            rounded = np.rint(wide * scale) / scale
            is_same = (rounded.astype(np.float32) == values) & (power >= 0) & (power <= EXACT_POWER)
            np.copyto(spelt, rounded, where=is_same)
    return spelt


def instants(at: NDArray[np.datetime64]) -> list[str]:
    """RFC 3339 in UTC; fractions only where there are any. (instants,) of `M8[us]`"""
    whole = at.astype("M8[s]")
    shown = whole if np.array_equal(whole, at) else at
    return [f"{text}Z" for text in np.datetime_as_string(shown)]


def ndjson(rows: Iterable[Any]) -> str:
    return _json.encode_lines(rows).decode()


def csv_row(cells: Iterable[Any]) -> str:
    """One line as in RFC 4180, with a line feed."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([_cell(value) for value in cells])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value


def csv_numbers(heads: Sequence[str], matrix: NDArray[np.float64]) -> list[str]:
    """A line for each row of (rows, columns) after its head; the JSON encoder spells numbers."""
    rows = _json.encode(matrix.tolist()).decode()[2:-2].replace("null", "").split("],[")
    return [f"{head},{row}\n" for head, row in zip(heads, rows, strict=True)] if heads else []
