"""How every part of the platform is, at one look: a part that is away is told, and fails nothing.

Only reads. Bounded: the broker is asked for a fifth of a second, the database as any request."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import Max

from inference import serving
from inference.serving import board
from noctis import broker, errors
from noctis.models import TaskOutcome
from operations import storage
from operations.models import Objective, StoragePolicy
from operations.services.backup import freshness

OK, DEGRADED, DOWN, UNKNOWN = "ok", "degraded", "down", "unknown"
WORST_FIRST = (DOWN, DEGRADED, UNKNOWN, OK)
# Nothing waits so long where there are workers enough: the sweeps alone would drain a queue.
OLDEST_TASK = timedelta(minutes=5)
# A task that runs every minute has ended by then.
LATEST_JOB = timedelta(minutes=5)
AWAY = (DatabaseError, errors.Refusal, OSError)
Told = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Part:
    name: str
    state: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """The worst of its parts' states, and each."""

    at: datetime
    state: str
    parts: list[Part]


def summary(*, at: datetime) -> Summary:
    """Ask every part how it is."""
    parts = [_asked(name, ask, at) for name, ask in PARTS.items()]
    states = {part.state for part in parts}
    return Summary(at, next(state for state in WORST_FIRST if state in states), parts)


def _asked(name: str, ask: Callable[[datetime], Told], at: datetime) -> Part:
    try:
        return Part(name, *ask(at))
    except AWAY as error:
        # The kind alone: a message may name hosts and roles.
        return Part(name, DOWN, {"error": type(error).__name__})


def _database(at: datetime) -> Told:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), clock_timestamp(),"
            " pg_is_in_recovery(), (SELECT count(*) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend'), current_setting('max_connections')::int"
        )
        version, clock, is_standby, used, most = cursor.fetchone()
    is_full = used > 0.9 * most
    facts = {"version": version.split()[0], "connections": used, "most_connections": most}
    facts["clock_differs_s"] = round((clock - at).total_seconds(), 1)
    return (DEGRADED if is_standby or is_full else OK), facts | {"is_standby": is_standby}


def _redis(at: datetime) -> Told:
    took_ms = broker.answers_in_ms()
    if took_ms is None:
        return DOWN, {}
    return OK, {"answers_in_ms": round(took_ms, 2), "memory_bytes": broker.memory_bytes()}


def _workers(at: datetime) -> Told:
    """By their heartbeats; where the broker cannot be asked, by the last task that ended."""
    last = TaskOutcome.objects.aggregate(at=Max("ended_at"))["at"]
    facts: dict[str, Any] = {"last_job_ended_at": last}
    living = broker.workers()
    if living is None:
        return UNKNOWN, facts
    facts["workers"] = {row.name: f"{max(at.timestamp() - row.at, 0):.0f} s ago" for row in living}
    if not living:
        return DOWN, facts
    is_idle = last is None or at - last > LATEST_JOB
    return (DEGRADED if is_idle else OK), facts


def _queue(at: datetime) -> Told:
    found = broker.queue()
    if found is None:
        return UNKNOWN, {}
    age_s = None if found.oldest_at is None else max(at.timestamp() - found.oldest_at, 0.0)
    is_late = age_s is not None and age_s > OLDEST_TASK.total_seconds()
    facts = {"waiting": found.waiting, "oldest_s": None if age_s is None else round(age_s, 1)}
    return (DEGRADED if is_late else OK), facts


def _model(at: datetime) -> Told:
    """What this process serves, and whether all others that tell serve the same."""
    now = serving.current()
    facts: dict[str, Any] = {
        family: served.version if (served := now.of(family)) else None
        for family in ("live", "night")
    }
    said = board.reports()
    facts["processes"] = None if said is None else len(said)
    facts["failures"] = dict.fromkeys(now.codes)
    is_split = len({(row.live, row.night) for row in said or []}) > 1
    if not now.is_ready:
        return DOWN, facts
    return (DEGRADED if now.codes or is_split else OK), facts | {"is_split": is_split}


def _storage(at: datetime) -> Told:
    failing = list(StoragePolicy.objects.exclude(last_error="").values_list("name", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone()
    facts = {"edition": storage.edition().value, "bytes": size, "policies_failing": failing}
    return (DEGRADED if failing else OK), facts


def _backup(at: datetime) -> Told:
    found = freshness.freshness()
    is_old = found.written_at is None or at - found.written_at > freshness.TOO_OLD
    facts = {"written_at": found.written_at, "proven_at": found.proven_at}
    return (DEGRADED if is_old else OK), facts


def _objectives(at: datetime) -> Told:
    rows = list(Objective.objects.all())
    if not rows:
        return UNKNOWN, {}
    evaluated_at = max(row.evaluated_at for row in rows)
    broken = [row.name for row in rows if row.is_broken]
    is_late = at - evaluated_at > LATEST_JOB
    facts = {"evaluated_at": evaluated_at, "broken": broken}
    return (DEGRADED if broken or is_late else OK), facts


PARTS: dict[str, Callable[[datetime], Told]] = {
    "database": _database,
    "redis": _redis,
    "workers": _workers,
    "queue": _queue,
    "model": _model,
    "storage": _storage,
    "backup": _backup,
    "objectives": _objectives,
}
