"""From values to places on the canvas, and from many values to as many as can be seen. Pure."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
# Finer columns cannot be told apart, and a window of two hours has an epoch in each.
MOST_COLUMNS = 240


def known(values: object) -> Floats:
    """Any numbers -> floats; whatever is no finite number is a gap, NaN."""
    floats = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(floats), floats, np.nan)


@dataclass(frozen=True)
class Scale:
    """`low` lies at `start`, `high` at `end`; on the canvas, y grows downwards."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def all(self, values: Floats) -> Floats:
        share = (values - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, wanted: int = 4) -> list[float]:
        step = _step((self.high - self.low) / wanted)
        first = math.ceil(round(self.low / step, 9))
        last = math.floor(round(self.high / step, 9))
        return [tick * step for tick in range(first, last + 1)]


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next((step * power for step in STEPS if step * power >= rough), 10 * power)


def extent(values: Floats, *also: float) -> tuple[float, float]:
    """The lowest and the highest that is known, apart even where there is but one value."""
    found = [*values[~np.isnan(values)].tolist(), *also]
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    margin = (high - low) * 0.05
    if margin <= abs(high) * 1e-9:
        margin = abs(high) * 0.05 or 1.0
    return low - margin, high + margin


def from_zero(values: Floats, *also: float) -> tuple[float, float]:
    """For amounts: zero is on the axis."""
    found = [*values[~np.isnan(values)].tolist(), *also]
    top = max(found, default=0.0)
    return 0.0, top * 1.05 if top > 0 else 1.0


@dataclass(frozen=True)
class Columns:
    """(columns,) each: the mean, lowest and highest of `width` neighbours; NaN where all are."""

    width: int
    mean: Floats
    low: Floats
    high: Floats


def columns_of(values: Floats, most: int = MOST_COLUMNS) -> Columns:
    """(values,) -> at most `most` columns."""
    width, table = _folded(values, most)
    has = ~np.isnan(table)
    count = has.sum(1)
    total = np.where(has, table, 0.0).sum(1)
    mean = np.divide(total, count, out=np.full(len(table), np.nan), where=count > 0)
    low = np.where(has, table, np.inf).min(1, initial=np.inf)
    high = np.where(has, table, -np.inf).max(1, initial=-np.inf)
    return Columns(width, mean, known(low), known(high))


def _folded(values: Floats, most: int) -> tuple[int, Floats]:
    width = max(1, -(-len(values) // most))
    rows = -(-len(values) // width)
    table = np.full(rows * width, np.nan)
    table[: len(values)] = values
    return width, table.reshape(rows, width)


def runs(codes: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """(places,) -> where each run of one code begins, where it ends, and the code."""
    if not len(codes):
        return []
    edges = np.flatnonzero(np.diff(codes)) + 1
    firsts = np.concatenate(([0], edges))
    ends = np.concatenate((edges, [len(codes)]))
    return list(zip(firsts.tolist(), ends.tolist(), codes[firsts].tolist(), strict=True))


def stretches(flags: Bools) -> list[tuple[int, int]]:
    """(places,) -> half-open stretches in which the flag is set."""
    return [(first, end) for first, end, is_set in runs(flags.astype(np.int64)) if is_set]
