"""How far two sets of nights are apart: one number each, a NaN where either side knows nothing."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mlops.drift.reference import Floats

FLOOR = 1e-3  # a bin nobody fell into is rare, not impossible
SMOOTHING = 0.5
PERMUTATIONS = 499
# Of many thousand nights the gap is looked for in so many places; that is still a fair test.
MOST_ENDS = 512
# Comparisons of a label each with a night, held at once.
AT_ONCE = 4_000_000

Bools = NDArray[np.bool_]


def psi(current: Floats, baseline: Floats, nights: tuple[int, float]) -> Floats:
    """(..., bins) shares -> (...): population stability index, less what chance alone adds.

    `nights`: of each side; infinite for a side that is no sample."""
    one, two = _floored(current), _floored(baseline)
    bins = (baseline > 0).sum(axis=-1)
    by_chance = (bins - 1) * (1 / nights[0] + 1 / nights[1])
    found = ((one - two) * np.log(one / two)).sum(axis=-1)
    return np.asarray(np.maximum(found - by_chance, 0.0))


def jensen_shannon(current: Floats, baseline: Floats) -> Floats:
    """(..., bins) shares -> (...), in bits: 0 for the same, 1 for nothing in common."""
    one, two = _floored(current), _floored(baseline)
    middle = (one + two) / 2
    apart = (one * np.log2(one / middle) + two * np.log2(two / middle)).sum(axis=-1) / 2
    return np.asarray(apart)


def kl(current: Floats, baseline: Floats, nights: tuple[int, float]) -> float:
    """(labels,) shares -> Kullback-Leibler divergence, half a night added to every label."""
    one, two = (
        (shares * min(count, 1e9) + SMOOTHING) / (min(count, 1e9) + SMOOTHING * len(shares))
        for shares, count in zip((current, baseline), nights, strict=True)
    )
    return float((one * np.log(one / two)).sum())


def z_of_means(current: Floats, baseline: Floats) -> tuple[Floats, Floats]:
    """(nights, columns) twice -> (columns,) twice: standard errors apart, and spreads apart.

    Welch's: neither side's spread is taken for the other's."""
    mean_one, mean_two, error, spread = [], [], [], []
    for one, two in zip(current.T, baseline.T, strict=True):
        a, b = one[np.isfinite(one)], two[np.isfinite(two)]
        enough = len(a) > 1 and len(b) > 1
        mean_one.append(a.mean() if enough else np.nan)
        mean_two.append(b.mean() if enough else np.nan)
        error.append(np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)) if enough else np.nan)
        spread.append(np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2) if enough else np.nan)
    apart = np.array(mean_one) - np.array(mean_two)
    return _over(apart, np.array(error)), _over(apart, np.array(spread))


def ks(current: Floats, baseline: Floats) -> Floats:
    """(nights, columns) twice -> (columns,): the largest gap between the distributions."""
    return np.array(
        [
            _ks(one[np.isfinite(one)], two[np.isfinite(two)])
            for one, two in zip(current.T, baseline.T, strict=True)
        ]
    )


def permuted_p(values: Floats, is_current: Bools, stratum: NDArray[np.int64], seed: int) -> Floats:
    """(nights, columns), (nights,) twice -> (columns,): the share of relabellings at least as far
    apart as what was found.

    Nights change sides within their own device alone: devices differ, and that is no drift."""
    random = np.random.default_rng(seed)
    columns = [_Column.of(column, is_current) for column in values.T]
    as_far = np.ones(len(columns))
    step = max(1, AT_ONCE // max(len(values), 1))
    for first in range(0, PERMUTATIONS, step):
        labels = _relabelled(is_current, stratum, min(step, PERMUTATIONS - first), random)
        as_far += [column.as_far(labels) for column in columns]
    is_told = np.array([np.isfinite(column.found) for column in columns])
    return np.where(is_told, as_far / (PERMUTATIONS + 1), np.nan)


@dataclass(frozen=True)
class _Column:
    """One feature's nights in the order of their values."""

    order: NDArray[np.int64]  # (known,) places among all nights
    ends: NDArray[np.int64]  # places in that order where a value ends, the last of all among them
    found: float  # the gap as it is; NaN where a side knows nothing

    @classmethod
    def of(cls, values: Floats, is_current: Bools) -> Self:
        known = np.flatnonzero(np.isfinite(values))
        order = known[np.argsort(values[known], kind="stable")]
        ends = np.flatnonzero(np.append(np.diff(values[order]) > 0, len(order) > 0))
        if len(ends) > MOST_ENDS:
            ends = ends[np.linspace(0, len(ends) - 1, MOST_ENDS).astype(np.int64)]
        sides = is_current[order]
        is_told = sides.any() and not sides.all()
        found = float(_gaps(sides[None], ends)[0]) if is_told else np.nan
        return cls(order, ends, found)

    def as_far(self, labels: Bools) -> int:
        """(draws, nights) -> how many of the draws are as far apart."""
        if not np.isfinite(self.found):
            return 0
        return int((_gaps(labels[:, self.order], self.ends) >= self.found - 1e-12).sum())


def benjamini_hochberg(p: Floats) -> Floats:
    """(tests,) -> (tests,): what the false discovery rate would have to be; NaN stays NaN."""
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    ranks = np.arange(1, len(order) + 1)
    scaled = p[order] * len(order) / ranks
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted


def _floored(shares: Floats) -> Floats:
    kept = np.maximum(shares, FLOOR)
    return np.asarray(kept / kept.sum(axis=-1, keepdims=True))


def _over(apart: Floats, scale: Floats) -> Floats:
    """Nothing apart is 0 whatever the scale; apart without any scale is as far as can be told."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = apart / scale
    return np.where(apart == 0, 0.0, np.clip(found, -1e6, 1e6))


def _ks(one: Floats, two: Floats) -> float:
    if not len(one) or not len(two):
        return np.nan
    every = np.sort(np.concatenate([one, two]))
    below_one = np.searchsorted(np.sort(one), every, side="right") / len(one)
    below_two = np.searchsorted(np.sort(two), every, side="right") / len(two)
    return float(np.abs(below_one - below_two).max())


def _gaps(labels: Bools, ends: NDArray[np.int64]) -> Floats:
    """(draws, nights) in order of their values -> (draws,): the widest gap at any of the ends."""
    starts = np.append(0, ends[:-1] + 1)
    below = np.add.reduceat(labels, starts, axis=1, dtype=np.int32).cumsum(axis=1)
    ours = below[:, -1:]
    every = ends + 1
    theirs = labels.shape[1] - ours
    apart = below / np.maximum(ours, 1) - (every - below) / np.maximum(theirs, 1)
    return np.asarray(np.abs(apart).max(axis=1))


def _relabelled(
    is_current: Bools, stratum: NDArray[np.int64], draws: int, random: np.random.Generator
) -> Bools:
    """(draws, nights): within each stratum as many current nights as before, others each time."""
    by_stratum = np.argsort(stratum, kind="stable")
    ordered = stratum[by_stratum]
    dice = random.random((draws, len(ordered)))
    # Whole numbers keep the strata apart, the dice shuffle within.
    shuffled = np.argsort(np.unique(ordered, return_inverse=True)[1] + dice, axis=1)
    labels = np.empty((draws, len(ordered)), bool)
    labels[:, by_stratum] = is_current[by_stratum][shuffled]
    return labels
