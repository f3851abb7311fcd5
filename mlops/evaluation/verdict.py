"""What is said of a model's answers: agreement, by subject, sleep against wake, totals."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.statistics import night_statistics
from mlops.agreement import (
    Compared,
    Limits,
    Moments,
    Report,
    Tally,
    intervals,
    limits_of,
    report_of,
)
from mlops.agreement.ratios import or_none, ratio
from mlops.agreement.scores import kappa, macro_f1, recall
from mlops.evaluation.answers import Answer
from recordings.stages import SHOWN, UNSCORED, code_of

RESAMPLES = 2_000
WAKE = SHOWN.index("W")
CODES = np.array([code_of(name) for name in SHOWN] + [UNSCORED], np.int8)
# The time of day is no matter to what is compared.
ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)
STATISTICS = (
    "total_sleep_time_min",
    "sleep_efficiency_pct",
    "sleep_onset_latency_min",
    "rem_latency_min",
    "wake_after_sleep_onset_min",
    "awakenings",
    *(f"{name}_min" for name in SHOWN),
)
Interval = tuple[float | None, float | None]


@dataclass(frozen=True)
class SleepWake:
    """Of two stages: sensitivity is to sleep, specificity to wake."""

    sensitivity: float | None
    specificity: float | None
    kappa: float | None


@dataclass(frozen=True)
class Subject:
    subject: str
    epochs: int
    kappa: float | None
    macro_f1: float | None


@dataclass(frozen=True)
class Spread:
    """Of the subjects' kappas."""

    mean: float | None
    standard_deviation: float | None
    least: float | None
    most: float | None


@dataclass(frozen=True)
class Verdict:
    subjects: int
    nights: int
    labelled_epochs: int
    coverage: float | None  # share of the labelled epochs that were given a stage
    report: Report
    intervals: dict[str, Interval]  # 95 %, by bootstrap over subjects
    sleep_wake: SleepWake
    by_subject: list[Subject]
    spread: Spread
    statistics: dict[str, Limits]

    @property
    def smallest_recall(self) -> float | None:
        """Over the stages that are there."""
        found = [one.recall for one in self.report.by_stage.values() if one.recall is not None]
        return min(found, default=None)

    @property
    def as_json(self) -> dict[str, Any]:
        plain = asdict(self)
        return plain | {"smallest_recall": self.smallest_recall}


def verdict_of(answers: Sequence[Answer]) -> Verdict:
    people = sorted({answer.night.person for answer in answers})
    tallies = {person: Tally.none(len(SHOWN), resamples=RESAMPLES) for person in people}
    limits = Moments.none(len(STATISTICS))
    for answer in answers:
        person = answer.night.person
        # One draw for all nights of a person: they are no more independent than that.
        tallies[person] += Tally.of(answer.compared, key=people.index(person), resamples=RESAMPLES)
        limits += Moments.of(_differences(answer.compared))
    tally = sum(tallies.values(), Tally.none(len(SHOWN), resamples=RESAMPLES))
    labelled = sum(int((answer.compared.truth >= 0).sum()) for answer in answers)
    by_subject = [_subject(person[1], tallies[person]) for person in people]
    return Verdict(
        subjects=len(people),
        nights=len(answers),
        labelled_epochs=labelled,
        coverage=or_none(ratio(tally.confusion.sum(), np.array(labelled))),
        report=report_of(tally, SHOWN),
        intervals=intervals(tally.resampled, len(people)),
        sleep_wake=_sleep_wake(tally.confusion),
        by_subject=by_subject,
        spread=_spread([one.kappa for one in by_subject if one.kappa is not None]),
        statistics=limits_of(limits, STATISTICS),
    )


def _subject(name: str, tally: Tally) -> Subject:
    confusion = tally.confusion
    return Subject(
        name, int(confusion.sum()), or_none(kappa(confusion)), or_none(macro_f1(confusion))
    )


def _spread(kappas: list[float]) -> Spread:
    if not kappas:
        return Spread(None, None, None, None)
    deviation = float(np.std(kappas, ddof=1)) if len(kappas) > 1 else None
    return Spread(float(np.mean(kappas)), deviation, min(kappas), max(kappas))


def two_stages(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """(stages, stages) -> (2, 2): wake, and all that is sleep."""
    is_wake = np.arange(len(SHOWN)) == WAKE
    sides = np.stack([is_wake, ~is_wake]).astype(np.int64)
    return np.asarray(sides @ confusion @ sides.T)


def _sleep_wake(confusion: NDArray[np.int64]) -> SleepWake:
    two = two_stages(confusion)
    to_wake, to_sleep = recall(two)
    return SleepWake(or_none(to_sleep), or_none(to_wake), or_none(kappa(two)))


def _differences(night: Compared) -> NDArray[np.float64]:
    """(statistics,): given less true, over the epochs that both know; NaN where one has none."""
    truth, given = (
        _statistics(np.where(night.known, line, UNSCORED)) for line in (night.truth, night.given)
    )
    return given - truth


def _statistics(places: NDArray[np.int8]) -> NDArray[np.float64]:
    found = night_statistics(CODES[places], ANY_DAY)
    values = found.as_json | {f"{name}_min": found.minutes_by_stage[name] for name in SHOWN}
    return np.array([values[name] for name in STATISTICS], np.float64)
