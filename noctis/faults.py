"""Faults on purpose: which are on in this process, and where they strike. Knows no app.

`source` is None unless FAULTS_ENABLED: all that a request pays then is to look."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import OperationalError
from django.utils import timezone

from noctis import errors


class Kind(StrEnum):
    """What may be made to fail; the value is in milliseconds, where a kind has one."""

    DB_DOWN = "db_down"
    DB_LATENCY_MS = "db_latency_ms"
    MODEL_UNAVAILABLE = "model_unavailable"
    TIMEOUT = "timeout"
    REDIS_DOWN = "redis_down"


WITH_VALUE = frozenset({Kind.DB_LATENCY_MS, Kind.TIMEOUT})
MOST_VALUE_MS = 60_000
# The classes of calls that rate limits know, and work of the background.
ROUTE_CLASSES = ("read", "write", "ingest", "sign_in", "task")


@dataclass(frozen=True)
class Fault:
    """`tenant` and `route_class` narrow it; None and nothing strike everybody."""

    kind: Kind
    expires_at: datetime
    value_ms: int = 0
    tenant: int | None = None
    route_class: str = ""

    @property
    def is_targeted(self) -> bool:
        return self.tenant is not None or bool(self.route_class)

    def left_s(self) -> float:
        return (self.expires_at - timezone.now()).total_seconds()

    def strikes(self, tenant: int | None, route_class: str) -> bool:
        is_meant = self.tenant in (None, tenant) and self.route_class in ("", route_class)
        return is_meant and self.left_s() > 0


@dataclass(frozen=True)
class Victim:
    """The work at hand; whose it is, is known once its caller is."""

    route_class: str
    tenant: int | None = None


source: Callable[[], Sequence[Fault]] | None = None
# None: a probe, a metric, a page of the console, the fault routes. Nothing strikes these.
_victim: ContextVar[Victim | None] = ContextVar("victim", default=None)


def active() -> list[Fault]:
    """All that are on, whoever they are meant for."""
    return [] if source is None else [fault for fault in source() if fault.left_s() > 0]


@contextmanager
def exposed(route_class: str) -> Iterator[None]:
    """The work of this block may be struck."""
    token = _victim.set(Victim(route_class))
    try:
        yield
    finally:
        _victim.reset(token)


def expose(route_class: str) -> None:
    """The same for all that follows here: a task's process does one task after the other."""
    _victim.set(Victim(route_class))


def narrow(tenant: int) -> None:
    """From here on the work is known to be this tenant's."""
    if victim := _victim.get():
        _victim.set(Victim(victim.route_class, tenant))


def found(kind: Kind) -> Fault | None:
    """The fault of this kind that strikes the work at hand."""
    victim = _victim.get()
    if victim is None or source is None:
        return None
    meant = (f for f in source() if f.kind == kind)
    return next((f for f in meant if f.strikes(victim.tenant, victim.route_class)), None)


def strike_database(left_s: float) -> None:
    """Before each statement, and where the circuit probes. One that is meant for somebody is told
    to her alone: what opens the circuit is everybody's."""
    if fault := found(Kind.DB_DOWN):
        if fault.is_targeted:
            raise errors.Unavailable
        raise OperationalError("the database is down on purpose")
    if fault := found(Kind.DB_LATENCY_MS):
        time.sleep(max(0.0, min(fault.value_ms / 1000, left_s)))


def strike_action(left_s: float) -> None:
    """Before an action: nothing is done yet, and nothing will be."""
    if fault := found(Kind.TIMEOUT):
        time.sleep(max(0.0, min(fault.value_ms / 1000, left_s)))
        raise errors.RequestTimeout
