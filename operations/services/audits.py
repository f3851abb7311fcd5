"""The stored data is audited: every check is one statement in bounded time, its result kept."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import structlog
from django.db import OperationalError, connection, transaction

from operations import audits
from operations.audits import Check
from operations.models import DataAudit, DataFinding
from tenants.models import Tenant
from tenants.services import audit

log = structlog.get_logger(__name__)
LONGEST_CHECK_S = 60
MOST_EXAMPLES = 5
CHAINS_WITHIN_S = 120.0
KEPT = timedelta(days=30)


@dataclass(frozen=True)
class Found:
    """None of it where the check could not be done in time."""

    check: Check
    count: int | None
    examples: Sequence[str] = ()


def run(*, at: datetime) -> list[Found]:
    """Do every check, open what is found and close what is gone. Safe to repeat."""
    started = time.perf_counter()
    found = [*map(_checked, audits.CHECKS), _chains()]
    with transaction.atomic():
        for one in found:
            _keep(one, at)
        DataAudit.objects.filter(at__lt=at - KEPT).delete()
        DataFinding.objects.filter(closed_at__lt=at - KEPT).delete()
        DataAudit.objects.create(
            at=at,
            seconds=time.perf_counter() - started,
            checked=len(found),
            unfinished=[one.check.name for one in found if one.count is None],
        )
    return found


def _checked(check: Check) -> Found:
    statement = audits.COUNTED.format(sql=check.sql)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [_limit_ms()])
            cursor.execute(statement)
            count, examples = cursor.fetchone()
    except OperationalError as error:
        # Anything but the time that it takes is a matter of whoever called.
        if getattr(error.__cause__, "sqlstate", "") != "57014":
            raise
        return Found(check, None)
    return Found(check, int(count), list(examples))


def _limit_ms() -> str:
    return str(LONGEST_CHECK_S * 1000)


def _chains() -> Found:
    """Entry by entry, so that a long chain takes no memory; what is not reached is unfinished."""
    ends = time.monotonic() + CHAINS_WITHIN_S
    broken: list[str] = []
    for tenant in Tenant.objects.all():
        if time.monotonic() > ends:
            return Found(audits.CHAINS, None)
        findings = islice(audit.verify(tenant=tenant), MOST_EXAMPLES)
        broken += [f"{row.tenant}, entry {row.sequence}: {row.what}" for row in findings]
    return Found(audits.CHAINS, len(broken), broken[:MOST_EXAMPLES])


def _keep(found: Found, at: datetime) -> None:
    name, is_fault = found.check.name, found.check.is_fault
    still_open = DataFinding.objects.filter(check_name=name, closed_at=None)
    if found.count is None:
        return  # nothing was learnt: what was open stays so
    if not found.count:
        still_open.update(closed_at=at)
        return
    known = {"count": found.count, "examples": list(found.examples), "seen_at": at}
    if not still_open.update(**known):
        DataFinding.objects.create(check_name=name, is_fault=is_fault, opened_at=at, **known)
        if is_fault:
            log.error("data_audit_found", check=name, count=found.count)
