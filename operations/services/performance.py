"""How fast the platform is: out of its processes' own numbers, together and each. Only reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from prometheus_client import Metric

from noctis import histograms, metric_files, metrics, process_names
from noctis.models import Traffic
from operations import processes
from operations.objectives import WINDOWS

SHARES = (0.5, 0.95, 0.99)
CIRCUIT = {0: "closed", 1: "probing", 2: "open"}
Bounds = Sequence[float]


@dataclass(frozen=True)
class Timing:
    """Percentiles out of a histogram; None where nothing was timed."""

    count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True)
class Process:
    """What one process tells; without its memory where it lives on another host, or no more."""

    name: str
    inference: Timing
    commit: Timing
    epochs: int
    circuit: str | None
    memory_bytes: int | None
    uptime_s: float | None


@dataclass(frozen=True)
class Span:
    """The same over the last minutes, out of rows that outlive every process."""

    window: str
    inference: Timing
    commit: Timing
    epochs_per_s: float


@dataclass(frozen=True)
class Performance:
    """`is_shared` is False where only the process that answered can be seen."""

    at: datetime
    is_shared: bool
    inference: Timing
    commit: Timing
    epochs: int
    cache_hit_rate: float | None
    circuit: str
    memory_bytes: int
    pool: dict[str, Any]
    spans: list[Span]
    processes: list[Process] = field(default_factory=list)


def performance(*, at: datetime) -> Performance:
    """Read every process's numbers, and what was kept of the last minutes."""
    by_process = metric_files.by_process()
    found = [_process(name, families) for name, families in sorted(by_process.items())]
    together = list(metric_files.registry().collect())
    return Performance(
        at=at,
        is_shared=settings.SHARES_METRICS,
        inference=_inference(together),
        commit=_commit(together),
        epochs=int(histograms.counted(together, "ingested_epochs_total") or 0),
        cache_hit_rate=_hit_rate(together),
        circuit=_circuit(together) or "closed",
        memory_bytes=sum(row.memory_bytes or 0 for row in found),
        pool=_pool(),
        spans=_spans(at),
        processes=found,
    )


def _process(name: str, families: list[Metric]) -> Process:
    host, _, number = name.rpartition("-")
    is_here = host == process_names.HOST and number.isdecimal()
    return Process(
        name=name,
        inference=_inference(families),
        commit=_commit(families),
        epochs=int(histograms.counted(families, "ingested_epochs_total") or 0),
        circuit=_circuit(families),
        memory_bytes=processes.memory_bytes(int(number)) if is_here else None,
        uptime_s=processes.uptime_s(int(number)) if is_here else None,
    )


def _timing(counts: Sequence[int], bounds_s: Bounds) -> Timing:
    """Say what a histogram's buckets amount to."""
    told = (histograms.percentile(counts, bounds_s, share) for share in SHARES)
    return Timing(sum(counts), *(None if value is None else 1000 * value for value in told))


def _inference(families: list[Metric]) -> Timing:
    return _timing(histograms.of(families, "inference_duration_seconds"), metrics.INFERENCE_BUCKETS)


def _commit(families: list[Metric]) -> Timing:
    return _timing(histograms.of(families, "db_commit_latency_seconds"), metrics.COMMIT_BUCKETS)


def _circuit(families: list[Metric]) -> str | None:
    value = histograms.counted(families, "db_circuit_state")
    return None if value is None else CIRCUIT.get(int(value), "open")


def _hit_rate(families: list[Metric]) -> float | None:
    hits = histograms.counted(families, "cache_hits_total") or 0.0
    asked = hits + (histograms.counted(families, "cache_misses_total") or 0.0)
    return hits / asked if asked else None


def _pool() -> dict[str, Any]:
    """Of the process that answers: its pool's own record, or that each thread keeps one."""
    if "pool" not in connection.settings_dict["OPTIONS"]:
        return {"kind": "one for each thread", "threads": settings.WEB_THREADS}
    pool = connection.pool  # type: ignore[attr-defined]  # PostgreSQL's wrapper has one
    return {"kind": "shared", **pool.get_stats()}


def _spans(at: datetime) -> list[Span]:
    longest = max(WINDOWS.values())
    kept = Traffic.objects.filter(minutes=Traffic.MINUTE, at__gte=at - longest)
    rows = list(kept.values_list("at", "predicting", "committing", "epochs"))
    return [_span(name, length, at, rows) for name, length in WINDOWS.items()]


def _span(name: str, length: timedelta, at: datetime, rows: list[tuple[Any, ...]]) -> Span:
    within = [row for row in rows if row[0] >= at - length]
    return Span(
        window=name,
        inference=_timing(histograms.summed([row[1] for row in within]), metrics.INFERENCE_BUCKETS),
        commit=_timing(histograms.summed([row[2] for row in within]), metrics.COMMIT_BUCKETS),
        epochs_per_s=sum(row[3] for row in within) / length.total_seconds(),
    )
