"""Switch faults on and off, audited, and tell this process and all others which are on."""

import os
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from noctis import errors
from noctis.faults import MOST_VALUE_MS, ROUTE_CLASSES, WITH_VALUE, Kind
from noctis.faults import Fault as Active
from operations.models import Fault
from operations.models.fault import LONGEST
from operations.refusals import FaultsDisabled
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Actor

log = structlog.get_logger(__name__)
POLL_S = 1.0
MOST_MINUTES = int(LONGEST.total_seconds() // 60)


@dataclass(frozen=True)
class Wanted:
    """A fault as somebody orders it."""

    kind: Kind
    minutes: int
    value_ms: int = 0
    target: Tenant | None = None
    route_class: str = ""


def enable_fault(*, wanted: Wanted, actor: Actor, reason: str) -> Fault:
    """Switch it on until its end; what was on of this kind is replaced."""
    _require_enabled()
    if problems := list(_problems(wanted)):
        raise errors.Invalid(problems=problems)
    with transaction.atomic():
        Fault.objects.get_or_create(kind=wanted.kind)
        row: Fault = Fault.objects.select_for_update().get(kind=wanted.kind)
        row.begun_at = timezone.now()
        row.expires_at = row.begun_at + timedelta(minutes=wanted.minutes)
        row.value_ms, row.route_class = wanted.value_ms, wanted.route_class
        row.target, row.begun_by = wanted.target, actor.name
        row.save()
        _record(row, actor, reason, "fault.enable", wanted.minutes)
        transaction.on_commit(refresh)
    return row


def disable_faults(*, kinds: Iterable[str], actor: Actor, reason: str) -> list[Fault]:
    """Switch off what is on of these kinds; answers those that were."""
    with transaction.atomic():
        rows = Fault.objects.select_for_update().filter(kind__in=list(kinds)).order_by("kind")
        stopped = [row for row in rows if row.is_on]
        for row in stopped:
            row.begun_at = row.expires_at = None
            row.save()
            _record(row, actor, reason, "fault.disable", 0)
        transaction.on_commit(refresh)
    return stopped


def on_now() -> list[Fault]:
    """The rows that are on, with whom they are meant for."""
    rows = Fault.objects.filter(expires_at__gt=timezone.now())
    return list(rows.select_related("target"))


def disable_fault(*, fault: Fault, actor: Actor, reason: str) -> None:
    """Switch off the one."""
    disable_faults(kinds=[fault.kind], actor=actor, reason=reason)


def _require_enabled() -> None:
    if not settings.FAULTS_ENABLED:
        raise FaultsDisabled


def _problems(wanted: Wanted) -> Iterable[errors.Problem]:
    if not 1 <= wanted.minutes <= MOST_MINUTES:
        yield errors.Problem("/minutes", "out_of_range", f"1 to {MOST_MINUTES}")
    if wanted.kind in WITH_VALUE and not 1 <= wanted.value_ms <= MOST_VALUE_MS:
        yield errors.Problem("/value_ms", "out_of_range", f"1 to {MOST_VALUE_MS}")
    if wanted.kind not in WITH_VALUE and wanted.value_ms:
        yield errors.Problem("/value_ms", "not_taken", f"{wanted.kind} has no value")
    if wanted.route_class and wanted.route_class not in ROUTE_CLASSES:
        yield errors.Problem("/route_class", "unknown", f"one of {', '.join(ROUTE_CLASSES)}")


def _record(row: Fault, actor: Actor, reason: str, action: str, minutes: int) -> None:
    platform = Tenant.objects.platform().first()
    if platform is None:
        return
    facts: audit.Facts = {
        "minutes": minutes,
        "value_ms": row.value_ms,
        "tenant": row.target.slug if row.target else None,
        "route_class": row.route_class,
    }
    change = (None, facts) if minutes else (facts, None)
    audit.record(
        actor=actor, tenant=platform, action=action, subject=row, change=change, reason=reason
    )


# What this process knows, and the thread that asks for it. Nothing of it outlives a fork.
_known: Sequence[Active] = ()
_follower: tuple[int, threading.Thread] | None = None


def active() -> Sequence[Active]:
    """What is on, as of a second ago; asks nobody, and begins to follow where nobody does."""
    global _follower
    if _follower is None or _follower[0] != os.getpid() or not _follower[1].is_alive():
        thread = threading.Thread(target=_follow, name="faults", daemon=True)
        _follower = (os.getpid(), thread)
        thread.start()
    return _known


def refresh() -> None:
    """Read the rows now. Where they cannot be read, what was known goes on until its end."""
    global _known
    rows = Fault.objects.filter(expires_at__gt=timezone.now())
    _known = tuple(
        Active(Kind(row.kind), row.expires_at, row.value_ms, row.target_id, row.route_class)
        for row in rows
    )


def _follow() -> None:
    while threading.current_thread() is (_follower and _follower[1]):
        try:
            refresh()
        except DatabaseError as error:
            log.warning("faults_not_read", error=type(error).__name__)
        finally:
            connection.close()
        time.sleep(POLL_S)
