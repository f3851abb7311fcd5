"""Nights are summed up by day before retention takes their rows; what changed, anew."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from noctis.db.locks import hold_until_commit
from operations import summaries
from operations.models import SummaryMark
from operations.policies import SUMMARIES
from recordings.models import Recording
from tenants.models import Tenant

# What late batches and stagings usually reach; older nights are looked at before retention.
RECENT = timedelta(days=3)
EVER = timedelta(days=365 * 100)
# Few, because ingest waits for the nights that are being summed up.
NIGHTS_AT_ONCE = 20
MOST_ROUNDS = 1_000


def summarise(*, at: datetime, back: timedelta = RECENT) -> dict[str, int]:
    """Sum up every night that changed since it last was. Safe to repeat and to cut short."""
    done = dict.fromkeys(SUMMARIES, 0)
    for tenant_id in Tenant.objects.values_list("pk", flat=True):
        for summary in SUMMARIES:
            # Bounded, for nights that go on coming in are due again while others are summed up.
            for _ in range(MOST_ROUNDS):
                count = summarise_some(tenant_id=tenant_id, summary=summary, since=at - back)
                done[summary] += count
                if count < NIGHTS_AT_ONCE:
                    break
    return done


def summarise_some(*, tenant_id: int, summary: str, since: datetime) -> int:
    """Sum up some nights of a tenant, and say how many there were."""
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "summary": summary,
        "since": since,
        "limit": NIGHTS_AT_ONCE,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        hold_summaries()
        cursor.execute(summaries.DUE, values)
        due = cursor.fetchall()
        if due:
            _sum_up(cursor, values, due)
    return len(due)


def _sum_up(cursor: Any, values: dict[str, Any], due: list[tuple[Any, ...]]) -> None:
    pks, seen, started = (list(column) for column in zip(*due, strict=True))
    told = values | {"recordings": pks, "seen": seen, "started": started}
    for statement in summaries.statements(str(values["summary"])):
        cursor.execute(statement, told)
    cursor.execute(summaries.MARK, told)


def hold_summaries() -> None:
    """One at a time: what sums up and what lets go would take each other's rows away."""
    hold_until_commit("operations.summaries", 0)


def forget_night(*, recording: Recording) -> None:
    """Remove what was summed up of a night, in its erasure's own transaction."""
    hold_summaries()
    with connection.cursor() as cursor:
        for summary in SUMMARIES:
            cursor.execute(
                f"DELETE FROM {summary} WHERE {summaries.OF_NIGHTS}",  # noqa: S608 - names of ours
                {"tenant": recording.tenant_id, "recordings": [recording.pk]},
            )
    SummaryMark.objects.owned_by(recording.tenant_id).filter(recording=recording).delete()
