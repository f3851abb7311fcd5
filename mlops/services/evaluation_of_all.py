"""A version against every scored night that it staged: one pass, constant memory, never writes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from inference.models import ModelVersion
from inference.statistics import laid_out, night_statistics
from mlops import queries
from mlops.agreement import Compared, Moments, Tally
from mlops.queries import Scope, ScoredNight
from mlops.services.evaluation import line_of, shares_of
from recordings.stages import SHOWN, UNSCORED, shown_places
from tenants.models import Tenant

RESAMPLES = 400
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


@dataclass(frozen=True)
class EvaluationOfAll:
    model: ModelVersion
    start: datetime
    end: datetime
    whole: Counted
    rolling_start: datetime
    rolling: Counted


def evaluate_all(
    *, tenant: Tenant | None, model: ModelVersion, start: datetime, end: datetime
) -> EvaluationOfAll:
    """Compare a version with the newest labels of the nights that began within; and of the last
    seven days before the end beside them."""
    rolling_start = end - ROLLING
    tenant_id = None if tenant is None else tenant.pk
    scope = Scope(tenant_id, model.pk, min(start, rolling_start), end)
    whole, rolling = Counted.none(), Counted.none()
    for night in queries.scored_nights(scope):
        counted = _counted(night, model)
        if night.started_at >= start:
            whole += counted
        if night.started_at >= rolling_start:
            rolling += counted
    return EvaluationOfAll(model, start, end, whole, rolling_start, rolling)


def _counted(night: ScoredNight, model: ModelVersion) -> Counted:
    span = range(max(len(night.truth), int(night.predicted.index.max()) + 1))
    truth = laid_out(night.truth, 0, span)
    given = laid_out(line_of(predicted=night.predicted), 0, span)
    shares = shares_of(predicted=night.predicted, model=model)[: span.stop]
    compared = Compared(shown_places(truth), shown_places(given), shares)
    found = [
        _statistics(np.where(compared.known, line, UNSCORED), night.started_at)
        for line in (truth, given)
    ]
    differences = found[1] - found[0] if compared.known.any() else np.full(len(STATISTICS), np.nan)
    tally = Tally.of(compared, key=night.recording_id, resamples=RESAMPLES)
    return Counted(tally, Moments.of(differences))


def _statistics(codes: NDArray[np.int8], started_at: datetime) -> NDArray[np.float64]:
    said = night_statistics(codes, started_at).as_json
    return np.array([said[name] for name in STATISTICS], np.float64)
