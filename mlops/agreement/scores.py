"""Scores of confusion matrices, (..., truth, given) each, and their intervals over nights."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mlops.agreement.ratios import Floats, mean_of_defined, or_none, ratio

Counts = NDArray[np.int64]
LEVEL = (2.5, 97.5)


def accuracy(confusion: Counts) -> Floats:
    return ratio(_right(confusion).sum(-1), confusion.sum((-1, -2)))


def balanced_accuracy(confusion: Counts) -> Floats:
    """Over the stages that are there."""
    return mean_of_defined(recall(confusion))


def macro_f1(confusion: Counts) -> Floats:
    """Over the stages that are there or were given."""
    return mean_of_defined(f1(confusion))


def kappa(confusion: Counts) -> Floats:
    total, right, by_chance = _chance(confusion)
    return ratio(total * right - by_chance, total**2 - by_chance)


def mcc(confusion: Counts) -> Floats:
    total, right, by_chance = _chance(confusion)
    truth, given = (confusion.sum(axis).astype(float) for axis in (-1, -2))
    spread = (total**2 - (truth**2).sum(-1)) * (total**2 - (given**2).sum(-1))
    return ratio(total * right - by_chance, np.sqrt(spread))


def precision(confusion: Counts) -> Floats:
    return ratio(_right(confusion), confusion.sum(-2))


def recall(confusion: Counts) -> Floats:
    return ratio(_right(confusion), confusion.sum(-1))


def f1(confusion: Counts) -> Floats:
    return ratio(2 * _right(confusion), confusion.sum(-1) + confusion.sum(-2))


def specificity(confusion: Counts) -> Floats:
    others = confusion.sum((-1, -2))[..., None] - confusion.sum(-1)
    wrongly = confusion.sum(-2) - _right(confusion)
    return ratio(others - wrongly, others)


OVERALL: dict[str, Callable[[Counts], Floats]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "kappa": kappa,
    "macro_f1": macro_f1,
    "mcc": mcc,
}


def intervals(resampled: Counts, nights: int) -> dict[str, tuple[float | None, float | None]]:
    """(resamples, truth, given) -> 95 % of each overall score; one night has no interval."""
    return {name: _interval(score(resampled), nights) for name, score in OVERALL.items()}


def _interval(values: Floats, nights: int) -> tuple[float | None, float | None]:
    defined = values[~np.isnan(values)]
    if nights < 2 or not len(defined):
        return None, None
    low, high = np.percentile(defined, LEVEL)
    return or_none(low), or_none(high)


def _right(confusion: Counts) -> Counts:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _chance(confusion: Counts) -> tuple[Floats, Floats, Floats]:
    """In floats: the squares of a large platform's epochs overflow integers."""
    counts = confusion.astype(float)
    by_chance = (counts.sum(-1) * counts.sum(-2)).sum(-1)
    return counts.sum((-1, -2)), np.trace(counts, axis1=-2, axis2=-1), by_chance
