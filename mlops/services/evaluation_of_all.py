"""A version against every scored night that it staged: one pass, constant memory, never writes."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from inference.models import ModelVersion
from inference.statistics import laid_out, night_statistics
from mlops import queries
from mlops.agreement import Compared, Moments, Tally
from mlops.queries import Scope, ScoredNight, Sleeper
from mlops.services.evaluation import line_of, shares_of
from recordings.stages import SHOWN, UNSCORED, shown_places

RESAMPLES = 400
# Of sleepers and of nights.
MOST_DRAWN = 500
ROLLING = timedelta(days=7)
# Of the night statistics, those whose bias is told.
STATISTICS = (
    "total_sleep_time_min",
    "sleep_efficiency_pct",
    "sleep_onset_latency_min",
    "rem_latency_min",
    "wake_after_sleep_onset_min",
    "awakenings",
)


@dataclass(frozen=True)
class Counted:
    """What nights add up to."""

    tally: Tally
    differences: Moments  # of STATISTICS, given less true, a night each

    @classmethod
    def none(cls) -> "Counted":
        return cls(Tally.none(len(SHOWN), resamples=RESAMPLES), Moments.none(len(STATISTICS)))

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(self.tally + other.tally, self.differences + other.differences)


@dataclass
class Details:
    """What is drawn one by one, and so bounded: the sums beside it know every night."""

    # By sleeper, (truth, given) epochs.
    confusions: dict[Sleeper, NDArray[np.int64]] = field(default_factory=dict)
    # The newest nights' STATISTICS: (truth, given), each (statistics,), NaN for what is unknown.
    pairs: deque[tuple[NDArray[np.float64], NDArray[np.float64]]] = field(
        default_factory=lambda: deque(maxlen=MOST_DRAWN)
    )

    def add(self, night: "Judged") -> None:
        self.pairs.append(night.statistics)
        if night.sleeper in self.confusions or len(self.confusions) < MOST_DRAWN:
            before = self.confusions.get(night.sleeper, 0)
            self.confusions[night.sleeper] = before + night.counted.tally.confusion


@dataclass(frozen=True)
class Judged:
    sleeper: Sleeper
    counted: Counted
    statistics: tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class EvaluationOfAll:
    model: ModelVersion
    start: datetime
    end: datetime
    whole: Counted
    rolling_start: datetime
    rolling: Counted
    details: Details


def evaluate_all(
    *, tenant_ids: Sequence[int] | None, model: ModelVersion, start: datetime, end: datetime
) -> EvaluationOfAll:
    """Compare a version with the newest labels of the nights that began within; and of the last
    seven days before the end beside them. No tenants named are all of them."""
    rolling_start = end - ROLLING
    scope = Scope(tenant_ids, model.pk, min(start, rolling_start), end)
    whole, rolling, details = Counted.none(), Counted.none(), Details()
    for night in queries.scored_nights(scope):
        judged = _judged(night, model)
        if night.started_at >= start:
            whole += judged.counted
            details.add(judged)
        if night.started_at >= rolling_start:
            rolling += judged.counted
    return EvaluationOfAll(model, start, end, whole, rolling_start, rolling, details)


def _judged(night: ScoredNight, model: ModelVersion) -> Judged:
    span = range(max(len(night.truth), int(night.predicted.index.max()) + 1))
    truth = laid_out(night.truth, 0, span)
    given = laid_out(line_of(predicted=night.predicted), 0, span)
    shares = shares_of(predicted=night.predicted, model=model)[: span.stop]
    compared = Compared(shown_places(truth), shown_places(given), shares)
    both = tuple(
        _statistics(np.where(compared.known, line, UNSCORED), night.started_at)
        for line in (truth, given)
    )
    tally = Tally.of(compared, key=night.recording_id, resamples=RESAMPLES)
    counted = Counted(tally, Moments.of(both[1] - both[0]))
    return Judged(night.sleeper, counted, (both[0], both[1]))


def _statistics(codes: NDArray[np.int8], started_at: datetime) -> NDArray[np.float64]:
    if (codes == UNSCORED).all():
        return np.full(len(STATISTICS), np.nan)
    said = night_statistics(codes, started_at)
    # Not as JSON, which copies all of them: a fifth of what a night costs here.
    known = vars(said) | vars(said.sleep)
    return np.array([known[name] for name in STATISTICS], np.float64)
