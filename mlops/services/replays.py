"""Replays: asked for, cancelled, summed up. Their nights are worked off in `replaying`."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from inference.models import Family, ModelVersion
from inference.services import registry
from mlops.comparison import NightCounts, told
from mlops.models import Replay, ReplayNight
from mlops.services import comparisons, jobs
from mlops.services.comparisons import Nights
from noctis import errors
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Actor

MOST_NIGHTS = 100_000
AT_ONCE = 2_000
# Why the labels of a night that was staged do not say how good the versions are.
FITTED = "fitted"
Status = Replay.Status
NightStatus = ReplayNight.Status


class NoNights(errors.Conflict):
    row = errors.registered(
        "nothing_to_replay",
        409,
        "No night to stage anew",
        "No closed night with epochs is what was asked for.",
        "`GET /v1/recordings` lists the nights there are.",
    )


class TooManyNights(errors.Conflict):
    row = errors.registered(
        "replay_too_large",
        409,
        "Too many nights for one replay",
        f"A replay takes at most {MOST_NIGHTS:,} nights.",
        "Name a range of days or a device.",
    )


class ReplayEnded(errors.Conflict):
    row = errors.registered(
        "replay_ended",
        409,
        "The replay has ended",
        "Only a replay that waits or is at work can be cancelled.",
        "Ask for a new one.",
    )


def request_replay(
    *,
    tenant: Tenant,
    versions: Sequence[str],
    nights: Nights,
    is_stored: bool,
    actor: Actor,
    reason: str = "",
) -> Replay:
    """Keep which nights are to be staged anew by one version or two; workers find them by rows."""
    rows = [_able(version) for version in versions]
    found = nights.rows().owned_by(tenant).order_by("pk").values_list("pk", flat=True)
    with transaction.atomic():
        keys = list(found[: MOST_NIGHTS + 1])
        if not keys:
            raise NoNights
        if len(keys) > MOST_NIGHTS:
            raise TooManyNights
        replay = Replay.objects.create(
            tenant=tenant,
            first=rows[0],
            second=rows[1] if len(rows) > 1 else None,
            criteria=nights.as_json,
            is_stored=is_stored,
            nights=len(keys),
            **jobs.asked_by(actor=actor),
        )
        members = (ReplayNight(tenant=tenant, replay=replay, recording_id=key) for key in keys)
        ReplayNight.objects.bulk_create(members, batch_size=AT_ONCE)
        _tell(replay, "replay.request", actor, {"nights": len(keys), "stored": is_stored}, reason)
    return replay


def _able(version: str) -> ModelVersion:
    row = registry.version_named(version)
    registry.check_offered(row=row, families=(Family.NIGHT.value,))
    return row


def cancel_replay(*, replay: Replay, actor: Actor, reason: str = "") -> Replay:
    """End a replay as far as it is: nights at work are finished, no more are begun."""
    with transaction.atomic():
        row: Replay = Replay.objects.select_for_update(of=("self",)).get(pk=replay.pk)
        if row.cancelled_at is not None:
            return row
        if not row.is_alive:
            raise ReplayEnded
        row.status, row.cancelled_at = Status.FAILED, timezone.now()
        row.finished_at, row.error = row.cancelled_at, f"Cancelled by {actor.name}."[:500]
        row.report = report_of(replay=row)
        row.save(update_fields=["status", "cancelled_at", "finished_at", "error", "report"])
        _tell(row, "replay.cancel", actor, {"status": row.status}, reason)
    return row


def _tell(
    replay: Replay, action: str, actor: Actor, after: dict[str, Any], reason: str = ""
) -> None:
    named = {"versions": [row.version for row in replay.versions.values()]}
    audit.record(
        actor=actor,
        tenant=replay.tenant,
        action=action,
        subject=replay,
        change=(None, named | after),
        reason=reason,
    )


def standing_of(*, replay: Replay) -> dict[str, int]:
    """Count its nights by how far they are; those that were erased meanwhile are no more there."""
    rows = ReplayNight.objects.owned_by(replay.tenant_id).filter(replay=replay)
    counted = rows.order_by().values_list("status").annotate(nights=Count("pk"))
    return dict.fromkeys(NightStatus.values, 0) | dict(counted)


def note_progress(*, replay: Replay) -> None:
    """Say on its row how far it is, for lists."""
    standing = standing_of(replay=replay)
    share = 1 - standing[NightStatus.DUE] / max(sum(standing.values()), 1)
    Replay.objects.alive().filter(pk=replay.pk).update(progress=share)


def finish_replay(*, pk: int) -> bool:
    """Sum up a replay of which no night is due any more; of two who do so at once one counts."""
    replay = Replay.objects.alive().filter(pk=pk).select_related("first", "second").first()
    due = ReplayNight.objects.filter(replay_id=pk, status=NightStatus.DUE)
    if replay is None or due.exists():
        return False
    standing = standing_of(replay=replay)
    is_done = standing[NightStatus.DONE] > 0
    facts = {
        "status": Status.DONE if is_done else Status.FAILED,
        "error": "" if is_done else "No night could be staged.",
        "report": report_of(replay=replay),
        "progress": 1.0,
        "finished_at": timezone.now(),
    }
    return bool(Replay.objects.alive().filter(pk=pk).update(**facts))


def most_different(*, replay: Replay) -> list[ReplayNight]:
    """The nights that its report names, the least alike first; those erased are no more there."""
    names = [one["night"] for one in replay.report.get("most_different", ())]
    rows = ReplayNight.objects.owned_by(replay.tenant_id).filter(
        replay=replay, recording__uuid__in=names
    )
    found = rows.select_related("recording__tenant", "recording__device")
    return sorted(found, key=lambda row: names.index(str(row.recording.uuid)))


def report_of(*, replay: Replay) -> dict[str, Any]:
    """Add up the nights that are done, a few rows in memory at a time."""
    totals = comparisons.totals_of(names=replay.versions)
    rows = ReplayNight.objects.owned_by(replay.tenant_id).filter(replay=replay)
    done = rows.filter(status=NightStatus.DONE).order_by("pk")
    columns = done.values_list("recording_id", "recording__uuid", "counts")
    for recording_id, uuid, counts in columns.iterator(chunk_size=200):
        totals.add(NightCounts.read(counts), name=str(uuid), unit=recording_id)
    reasons = Counter(
        rows.exclude(status__in=(NightStatus.DONE, NightStatus.DUE)).values_list(
            "reason", flat=True
        )
    )
    fitted = done.filter(reason=FITTED).count()
    report = told(totals) | {"left_out": dict(reasons), "fitted": fitted}
    if replay.second is None:
        return report
    return report | {"difference": comparisons.difference(totals=totals)}
