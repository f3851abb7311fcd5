"""What is past its retention goes: night by night, or a chunk at a time where nobody needs it.

Nothing goes that was not summed up, nor a night that is kept for good. Each step is one
transaction with its audit entry, so that the work may be cut short and done again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from noctis.db.maintenance import maintenance
from operations import storage
from operations.models import StoragePolicy, SummaryMark
from operations.policies import EPOCHS, Series
from operations.services import policies, summarising
from operations.storage import Chunk
from recordings.grid import EPOCH_S, MAX_EPOCHS
from recordings.models import Recording
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Actor

NIGHTS_AT_ONCE = 50
MOST_NIGHTS = 10_000
LONGEST_NIGHT = timedelta(seconds=EPOCH_S * MAX_EPOCHS)
State = SummaryMark.State

COUNT_EPOCHS = """
UPDATE recordings_recording night
SET updated_at = %(now)s, epoch_count = (
    SELECT count(*) FROM recordings_epoch epoch
    WHERE epoch.tenant_id = night.tenant_id AND epoch.recording_id = night.id)
WHERE night.tenant_id = %(tenant)s AND night.id = ANY(%(recordings)s)
"""


@dataclass(frozen=True)
class Past:
    """What of a tenant's series is past its retention."""

    series: Series
    tenant: Tenant
    cutoff: datetime


@dataclass
class Taken:
    """What a run let go."""

    rows: int = 0
    nights: int = 0
    chunks: int = 0


def let_go(*, series: Series, at: datetime, actor: Actor) -> Taken:
    """Let go of what is past the retention that was applied; nothing where none was."""
    taken = Taken()
    days = days_kept(series=series)
    if days is None:
        return taken
    summarising.summarise(at=at, back=summarising.EVER)
    for chunk in storage.chunks(series, storage.edition()):
        if chunk.end <= at - timedelta(days=days):
            taken.chunks += _drop(series, chunk, actor)
    for tenant in Tenant.objects.order_by("pk"):
        past = past_of(series=series, tenant=tenant, days=days, at=at)
        nights = _nights_of(past)
        for first in range(0, len(nights), NIGHTS_AT_ONCE):
            _take(past, nights[first : first + NIGHTS_AT_ONCE], actor, taken)
    return taken


def days_kept(*, series: Series) -> int | None:
    """As applied; where the settings ask for longer by now, as long as they do."""
    name = f"{series.name}.retention"
    applied = StoragePolicy.objects.filter(name=name).values_list("value", flat=True).first()
    return None if applied is None else max(applied, policies.wanted()[name])


def past_of(*, series: Series, tenant: Tenant, days: int, at: datetime) -> Past:
    """A tenant may keep less than the platform does, never more."""
    return Past(series, tenant, at - timedelta(days=min(days, tenant.retention_days or days)))


def marks_of(past: Past) -> QuerySet[SummaryMark]:
    """The nights that have something to let go, as far as they were summed up as they are."""
    owned: QuerySet[SummaryMark] = SummaryMark.objects.owned_by(past.tenant)
    is_fresh = Q(state=State.TAKEN) | Q(recording__updated_at=F("seen_at"))
    to_take = owned.exclude(state=State.GONE).filter(is_fresh, summary=past.series.summary)
    unkept = to_take.filter(recording__is_kept=False)
    return unkept.exclude(recording__status=Recording.Status.ERASING).filter(
        started_at__lt=past.cutoff
    )


def _nights_of(past: Past) -> list[int]:
    rows = marks_of(past).order_by("started_at", "pk")
    return list(rows.values_list("recording_id", flat=True)[:MOST_NIGHTS])


def _take(past: Past, nights: Sequence[int], actor: Actor, taken: Taken) -> None:
    with transaction.atomic():
        # The night's own row first, as ingest and staging take it; whoever holds one is let be.
        free = Recording.objects.filter(pk__in=nights).order_by("pk")
        free = free.select_for_update(skip_locked=True, no_key=True, of=("self",))
        held = [night.pk for night in free]
        summarising.hold_summaries()
        still = marks_of(past).filter(recording_id__in=held)
        pks = list(still.values_list("recording_id", flat=True))
        if not pks:
            return
        rows = _delete(past, pks)
        _settle(past, pks)
        _tell(past, {"nights": len(pks), "rows": rows}, actor)
    taken.rows += rows
    taken.nights += len(pks)


def _delete(past: Past, nights: Sequence[int]) -> int:
    table, time = past.series.table, past.series.time
    nights_of = "tenant_id = %s AND recording_id = ANY(%s)"
    statement = f"DELETE FROM {table} WHERE {nights_of} AND {time} < %s"  # noqa: S608 - names of ours
    with maintenance(), connection.cursor() as cursor:
        cursor.execute(statement, [past.tenant.pk, list(nights), past.cutoff])
        return int(cursor.rowcount)


def _settle(past: Past, nights: Sequence[int]) -> None:
    """The counters tell what is there, and the marks what must not be summed up anew."""
    now = timezone.now()
    marks: QuerySet[SummaryMark] = SummaryMark.objects.owned_by(past.tenant).filter(
        recording_id__in=nights
    )
    own = marks.filter(summary=past.series.summary)
    own.update(state=State.TAKEN)
    # Nothing can come in any more for a night as long as nights get.
    own.filter(started_at__lt=past.cutoff - LONGEST_NIGHT).update(state=State.GONE)
    if past.series != EPOCHS:
        return
    # The change is ours: the night is no other to what was summed up of it.
    marks.filter(recording__updated_at=F("seen_at")).update(seen_at=now)
    with connection.cursor() as cursor:
        cursor.execute(
            COUNT_EPOCHS, {"now": now, "tenant": past.tenant.pk, "recordings": list(nights)}
        )


def _tell(past: Past, counts: dict[str, int], actor: Actor) -> None:
    audit.record(
        actor=actor,
        tenant=past.tenant,
        action="retention.delete",
        subject=_policy_of(past.series),
        change=(None, {"before": past.cutoff.isoformat(), **counts}),
    )


def _policy_of(series: Series) -> StoragePolicy:
    return StoragePolicy(name=f"{series.name}.retention")


def _drop(series: Series, chunk: Chunk, actor: Actor) -> bool:
    """Drop a chunk whole, if every night that it may hold was summed up and none is kept."""
    with transaction.atomic():
        summarising.hold_summaries()
        if _is_needed(series, chunk):
            return False
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT drop_chunks(%s::regclass, older_than => %s, newer_than => %s)",
                [series.table, chunk.end, chunk.start],
            )
        own = SummaryMark.objects.filter(summary=series.summary, state=State.WHOLE)
        own.filter(started_at__range=_starts(chunk)).update(state=State.TAKEN)
        _tell_platform(series, chunk, actor)
    return True


def _is_needed(series: Series, chunk: Chunk) -> bool:
    nights = Recording.objects.filter(started_at__range=_starts(chunk))
    if nights.filter(is_kept=True).exists():
        return True
    fresh = SummaryMark.objects.filter(summary=series.summary, started_at__range=_starts(chunk))
    fresh = fresh.exclude(state=State.WHOLE) | fresh.filter(recording__updated_at=F("seen_at"))
    return bool(nights.exclude(pk__in=fresh.values("recording_id")).exists())


def _starts(chunk: Chunk) -> tuple[datetime, datetime]:
    """When the nights began that have rows in a chunk."""
    return chunk.start - LONGEST_NIGHT, chunk.end


def _tell_platform(series: Series, chunk: Chunk, actor: Actor) -> None:
    """A chunk is everybody's."""
    platform = Tenant.objects.platform().first()
    if platform is None:
        return
    audit.record(
        actor=actor,
        tenant=platform,
        action="retention.drop_chunk",
        subject=_policy_of(series),
        change=(None, {"chunk": chunk.name, "before": chunk.end.isoformat()}),
    )
