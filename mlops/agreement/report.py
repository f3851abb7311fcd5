"""A tally read out: plain values, None for what is undefined. Formulas: docs/glossary.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlops.agreement import scores
from mlops.agreement.moments import Moments
from mlops.agreement.ratios import listed, or_none, ratio
from mlops.agreement.tally import CALIBRATION_BINS, Tally

# Of the normal distribution: as many standard deviations hold 95 % on both sides of the mean.
WITHIN = 1.96


@dataclass(frozen=True)
class StageScores:
    precision: float | None
    recall: float | None
    f1: float | None
    specificity: float | None
    support: int


@dataclass(frozen=True)
class CalibrationBin:
    """Epochs whose confidence lies above `above` and not above `up_to`."""

    above: float
    up_to: float
    epochs: int
    mean_confidence: float | None
    share_right: float | None


@dataclass(frozen=True)
class Report:
    compared_epochs: int
    accuracy: float | None
    balanced_accuracy: float | None
    kappa: float | None
    macro_f1: float | None
    mcc: float | None
    brier: float | None
    expected_calibration_error: float | None
    entropy_bits: float | None
    by_stage: dict[str, StageScores]
    confusion: list[list[int]]
    calibration: list[CalibrationBin]
    truth_transitions: list[list[int]]
    predicted_transitions: list[list[int]]


@dataclass(frozen=True)
class Limits:
    """Bland and Altman: how far and how widely a statistic is off."""

    nights: int
    bias: float | None
    standard_deviation: float | None
    lower_limit: float | None
    upper_limit: float | None


def report_of(tally: Tally, labels: Sequence[str]) -> Report:
    overall = {name: or_none(score(tally.confusion)) for name, score in scores.OVERALL.items()}
    weighed = np.array(tally.weighed)
    return Report(
        compared_epochs=int(tally.confusion.sum()),
        brier=or_none(ratio(np.array(tally.squared_error), weighed)),
        expected_calibration_error=_calibration_error(tally),
        entropy_bits=or_none(ratio(np.array(tally.entropy_bits), weighed)),
        by_stage=_by_stage(tally, labels),
        confusion=tally.confusion.tolist(),
        calibration=_calibration(tally),
        truth_transitions=tally.truth_transitions.tolist(),
        predicted_transitions=tally.given_transitions.tolist(),
        **overall,
    )


def limits_of(moments: Moments, names: Sequence[str]) -> dict[str, Limits]:
    """Of differences given minus true, one a night."""
    reach = WITHIN * moments.deviations
    columns: list[list[Any]] = [
        moments.count.tolist(),
        *map(listed, (moments.means, moments.deviations)),
        *map(listed, (moments.means - reach, moments.means + reach)),
    ]
    return {name: Limits(*row) for name, row in zip(names, zip(*columns, strict=True), strict=True)}


def _by_stage(tally: Tally, labels: Sequence[str]) -> dict[str, StageScores]:
    columns: list[list[Any]] = [
        listed(score(tally.confusion))
        for score in (scores.precision, scores.recall, scores.f1, scores.specificity)
    ]
    columns.append(tally.confusion.sum(1).tolist())
    rows = zip(*columns, strict=True)
    return {label: StageScores(*row) for label, row in zip(labels, rows, strict=True)}


def _calibration(tally: Tally) -> list[CalibrationBin]:
    edges = [bin_ / CALIBRATION_BINS for bin_ in range(CALIBRATION_BINS + 1)]
    columns = (
        edges[:-1],
        edges[1:],
        tally.bin_epochs.tolist(),
        listed(ratio(tally.bin_confidence, tally.bin_epochs)),
        listed(ratio(tally.bin_right, tally.bin_epochs)),
    )
    return [CalibrationBin(*row) for row in zip(*columns, strict=True)]


def _calibration_error(tally: Tally) -> float | None:
    apart = np.abs(tally.bin_right - tally.bin_confidence).sum()
    return or_none(ratio(apart, np.array(tally.weighed)))
