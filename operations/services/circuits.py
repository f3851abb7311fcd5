"""What each process thinks of the database, and of the store of limits: by its own numbers alone.

Only reads. The processes decide by themselves; nobody closes a circuit from here."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Sum
from prometheus_client import Metric

from noctis import histograms, metric_files
from noctis.models import Traffic
from operations.services.performance import CIRCUIT

LOOKED_BACK = timedelta(hours=24)


@dataclass(frozen=True)
class ProcessCircuit:
    """Times are None while it is closed; `alone_at` where limits were always shared."""

    process: str
    state: str
    failures: int
    opened: int
    opened_at: datetime | None
    retry_at: datetime | None
    limits: str
    alone_at: datetime | None


def circuits() -> list[ProcessCircuit]:
    """Of the processes that live, those that gave up first; the dead have no opinion."""
    found = [
        known
        for name, families in sorted(metric_files.by_process().items())
        if (known := _circuit(name, families)) is not None
    ]
    return sorted(found, key=lambda row: (row.state == "closed", -row.failures))


def opened_lately(*, at: datetime) -> int:
    """How often processes gave the database up, those that died since included."""
    spans = Traffic.objects.filter(minutes=Traffic.MINUTE, at__gte=at - LOOKED_BACK)
    return spans.aggregate(times=Sum("circuit_opened"))["times"] or 0


def _circuit(name: str, families: list[Metric]) -> ProcessCircuit | None:
    state = histograms.counted(families, "db_circuit_state")
    if state is None:
        return None
    return ProcessCircuit(
        process=name,
        state=CIRCUIT.get(int(state), "open"),
        failures=int(histograms.counted(families, "db_circuit_failures") or 0),
        opened=int(histograms.counted(families, "db_circuit_open_total") or 0),
        opened_at=_time(families, "db_circuit_opened_timestamp_seconds"),
        retry_at=_time(families, "db_circuit_retry_timestamp_seconds"),
        limits=CIRCUIT.get(int(histograms.counted(families, "redis_circuit_state") or 0), "open"),
        alone_at=_time(families, "rate_limit_last_fallback_timestamp_seconds"),
    )


def _time(families: list[Metric], name: str) -> datetime | None:
    seconds = histograms.counted(families, name)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
