"""The platform's objectives: what is measured, against what, and what of the budget is gone. Pure.

An objective allows a share of what happens to go wrong; that share of a window is its budget."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from noctis import histograms, metrics

WINDOWS: Mapping[str, timedelta] = {
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
}
Counts = Sequence[int]


@dataclass(frozen=True)
class Measured:
    """What happened in a window, how much of it went wrong, and the number that people look at."""

    total: int
    bad: float
    value: float | None

    def spent(self, allowed: float) -> float | None:
        """The share of the budget; None where nothing happened that could have gone wrong."""
        return self.bad / self.total / allowed if self.total else None


@dataclass(frozen=True)
class Happened:
    """What a window's spans of traffic add up to."""

    predicting: Counts = ()
    committing: Counts = ()
    batches: int = 0
    batches_failed: int = 0
    reloads: int = 0
    reloads_failed: int = 0


@dataclass(frozen=True)
class Aim:
    """`setting` has the target; `unit` says what its values are in."""

    name: str
    says: str
    setting: str
    unit: str
    measure: Callable[[Happened, float], Measured]
    allows: Callable[[float], float]
    is_upper: bool = True

    def is_met(self, value: float, target: float) -> bool:
        return value <= target if self.is_upper else value >= target


def _within(
    of: Callable[[Happened], Counts], bounds_s: Sequence[float], share: float
) -> Callable[[Happened, float], Measured]:
    bounds_ms = [1000 * float(bound) for bound in bounds_s]

    def measure(happened: Happened, target_ms: float) -> Measured:
        counts = of(happened)
        value = histograms.percentile(counts, bounds_ms, share)
        return Measured(sum(counts), histograms.above(counts, bounds_ms, target_ms), value)

    return measure


def _ingest(happened: Happened, _: float) -> Measured:
    total, bad = happened.batches, happened.batches_failed
    return Measured(total, bad, bad / total if total else None)


def _reloads(happened: Happened, _: float) -> Measured:
    total = happened.reloads + happened.reloads_failed
    return Measured(total, happened.reloads_failed, happened.reloads / total if total else None)


_PREDICTING = metrics.INFERENCE_BUCKETS
AIMS = (
    Aim(
        "inference_p95",
        "95 of 100 answers with predictions in time",
        "SLO_INFERENCE_P95_MS",
        "ms",
        _within(lambda happened: happened.predicting, _PREDICTING, 0.95),
        lambda _: 0.05,
    ),
    Aim(
        "inference_p99",
        "99 of 100 answers with predictions in time",
        "SLO_INFERENCE_P99_MS",
        "ms",
        _within(lambda happened: happened.predicting, _PREDICTING, 0.99),
        lambda _: 0.01,
    ),
    Aim(
        "ingest_failures",
        "batches lost to failures of the platform",
        "SLO_INGEST_FAILURE_RATE",
        "share",
        _ingest,
        lambda target: target,
    ),
    Aim(
        "db_commit_p95",
        "95 of 100 commits of a batch in time",
        "SLO_DB_COMMIT_P95_MS",
        "ms",
        _within(lambda happened: happened.committing, metrics.COMMIT_BUCKETS, 0.95),
        lambda _: 0.05,
    ),
    Aim(
        "model_reloads",
        "tries to load a model that succeed",
        "SLO_MODEL_RELOAD_SUCCESS_RATE",
        "share",
        _reloads,
        lambda target: 1 - target,
        is_upper=False,
    ),
)
BY_NAME = {aim.name: aim for aim in AIMS}
