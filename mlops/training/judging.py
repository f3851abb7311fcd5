"""How well a model stages nights that it has never seen, in figures rounded for a manifest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.engine import Model, Pass
from inference.engine.golden import STAGE
from mlops.agreement import Compared, Moments, Report, Tally, intervals, report_of
from mlops.training.nights import UNKNOWN, LabelledNight

RESAMPLES = 400
DIGITS = 4
OVERALL = ("accuracy", "balanced_accuracy", "kappa", "macro_f1", "expected_calibration_error")
BY_STAGE = ("precision", "recall", "f1", "support")


@dataclass(frozen=True)
class Judged:
    labels: tuple[str, ...]
    report: Report
    intervals: dict[str, tuple[float | None, float | None]]
    by_night: Moments  # kappa, macro-F1
    coverage: float  # share of the labelled epochs that were given a stage
    nights: int

    @property
    def kappa(self) -> float:
        return self.report.kappa or 0.0

    @property
    def figures(self) -> dict[str, Any]:
        """For metadata.json."""
        overall = {name: _rounded(getattr(self.report, name)) for name in OVERALL}
        stages = {
            label: {name: _rounded(getattr(scores, name)) for name in BY_STAGE}
            for label, scores in self.report.by_stage.items()
        }
        return overall | {
            "kappa_interval": [_rounded(end) for end in self.intervals["kappa"]],
            "kappa_by_night": {
                "mean": _rounded(self.by_night.means[0]),
                "standard_deviation": _rounded(self.by_night.deviations[0]),
            },
            "by_stage": stages,
            "confusion": self.report.confusion,
            "coverage": _rounded(self.coverage),
            "nights": self.nights,
        }


def judge(model: Model, nights: Sequence[LabelledNight], pass_: Pass) -> Judged:
    places = np.full(128, UNKNOWN, np.int8)
    places[model.codes] = np.arange(len(model.codes))
    compared = []
    for night in nights:
        staged = STAGE[pass_](model, night.night)
        # Of no stage the code is -1, the last of the table, and unknown.
        given = places[staged.stages]
        compared.append(Compared(night.stages, given, staged.probabilities.astype(np.float64)))
    return _summed(model.labels, compared)


def judge_majority(labels: tuple[str, ...], nights: Sequence[LabelledNight], most: int) -> Judged:
    """What always saying the commonest stage would get."""
    sure = np.eye(len(labels))[most]
    compared = [
        Compared(
            night.stages,
            np.full(len(night.stages), most, np.int8),
            np.broadcast_to(sure, (len(night.stages), len(labels))),
        )
        for night in nights
    ]
    return _summed(labels, compared)


def _summed(labels: tuple[str, ...], nights: Sequence[Compared]) -> Judged:
    tally = Tally.none(len(labels), resamples=RESAMPLES)
    for key, night in enumerate(nights):
        tally = tally + Tally.of(night, key=key, resamples=RESAMPLES)
    labelled = sum(int((night.truth >= 0).sum()) for night in nights)
    given = sum(int(night.known.sum()) for night in nights)
    return Judged(
        labels,
        report_of(tally, labels),
        intervals(tally.resampled, tally.nights),
        tally.by_night,
        given / labelled,
        tally.nights,
    )


def commonest(nights: Sequence[LabelledNight]) -> int:
    known: NDArray[np.int8] = np.concatenate([night.stages for night in nights])
    return int(np.bincount(known[known >= 0]).argmax())


def _rounded(value: float | int | None) -> float | int | None:
    if value is None or np.isnan(value):
        return None
    return value if isinstance(value, int) else round(float(value), DIGITS)
