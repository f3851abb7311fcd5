"""Nights are forgotten on request: the erasure's row is the job, worked off night by night.

A night and its count are one transaction, so a process that dies leaves nothing half told.
"""

from typing import Protocol
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from noctis import errors
from recordings.models import Epoch, Erasure, ExportMark, LabelSet, Recording
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Actor

Status = Erasure.Status


class Remover(Protocol):
    """Deletes all that an app keeps of a night."""

    def __call__(self, *, recording: Recording) -> None: ...


# What the apps above keep of a night; this one never learns their names.
_removers: list[Remover] = []


def also_remove(*, remover: Remover) -> None:
    """Have whatever another app keeps of a night removed in the night's own transaction."""
    if remover not in _removers:
        _removers.append(remover)


def erase_recording(
    *, tenant: Tenant, recording_uuid: UUID, actor: Actor, reason: str = ""
) -> Erasure:
    """Ask for a night to be erased; from now on it is not there, and asking again is the same."""
    wanted = Erasure(tenant=tenant, recording_uuid=recording_uuid, requested_by=actor.name)
    return _request(wanted, actor, reason)


def erase_subject(*, tenant: Tenant, subject: str, actor: Actor, reason: str = "") -> Erasure:
    """Ask for every night that a subject has now to be erased."""
    wanted = Erasure(tenant=tenant, subject=subject, requested_by=actor.name)
    return _request(wanted, actor, reason)


def _request(wanted: Erasure, actor: Actor, reason: str) -> Erasure:
    with transaction.atomic():
        nights = _nights(wanted).order_by("pk").select_for_update()
        marked = [night.pk for night in nights if night.status != Recording.Status.ERASING]
        same = _same_job(wanted)
        if same is not None and not marked:
            return same
        if not marked:
            raise errors.Missing
        Recording.objects.filter(pk__in=marked).update(
            status=Recording.Status.ERASING, updated_at=timezone.now()
        )
        wanted.save(force_insert=True)
        _tell(wanted, actor, "erasure.request", {"recordings": len(marked)}, reason)
    return wanted


def _nights(erasure: Erasure) -> QuerySet[Recording]:
    """What an erasure is about, whether it is still to be marked or already is."""
    owned: QuerySet[Recording] = Recording.objects.filter(tenant=erasure.tenant_id)
    if erasure.recording_uuid:
        return owned.filter(uuid=erasure.recording_uuid)
    return owned.filter(subject=erasure.subject)


def _same_job(wanted: Erasure) -> Erasure | None:
    due: QuerySet[Erasure] = Erasure.objects.owned_by(wanted.tenant).due()
    return due.filter(recording_uuid=wanted.recording_uuid, subject=wanted.subject).first()


def work_off(*, erasure_id: int, actor: Actor) -> None:
    """Do what an erasure asks for; when interrupted, doing it again goes on from there."""
    while _forget_one(erasure_id, actor):
        pass


def _forget_one(erasure_id: int, actor: Actor) -> bool:
    """Remove one night, or report that none is left; False where nothing more is to be done."""
    with transaction.atomic():
        due = Erasure.objects.due().select_related("tenant")
        locked = due.select_for_update(of=("self",), skip_locked=True)
        erasure: Erasure | None = locked.filter(pk=erasure_id).first()
        if erasure is None:
            return False
        marked = _nights(erasure).filter(status=Recording.Status.ERASING)
        night = marked.order_by("pk").select_for_update().first()
        if night is None:
            _report(erasure, actor)
            return False
        _remove(erasure, night)
    return True


def _remove(erasure: Erasure, night: Recording) -> None:
    """A night has at most a day of epochs, which is as much as one transaction should delete."""
    own = Epoch.objects.filter(tenant_id=night.tenant_id, recording_id=night.pk)
    erasure.epochs_erased += own.delete()[0]
    LabelSet.objects.owned_by(night.tenant_id).filter(recording=night).delete()
    ExportMark.objects.owned_by(night.tenant_id).filter(recording_id=night.pk).delete()
    for remove in _removers:
        remove(recording=night)
    night.delete()
    erasure.recordings_erased += 1
    erasure.save(update_fields=["epochs_erased", "recordings_erased"])


def _report(erasure: Erasure, actor: Actor) -> None:
    """Say that it is done; the subject is forgotten here as well."""
    erasure.status, erasure.done_at, erasure.subject = Status.DONE, timezone.now(), ""
    erasure.save(update_fields=["status", "done_at", "subject"])
    counts = {"recordings": erasure.recordings_erased, "epochs": erasure.epochs_erased}
    _tell(erasure, actor, "erasure.done", counts)


def _tell(
    erasure: Erasure, actor: Actor, action: str, counts: dict[str, int], reason: str = ""
) -> None:
    """The subject never enters the log: what is written there is there for good."""
    named = {"recording_uuid": str(erasure.recording_uuid)} if erasure.recording_uuid else {}
    audit.record(
        actor=actor,
        tenant=erasure.tenant,
        action=action,
        subject=erasure,
        change=(None, {**named, **counts}),
        reason=reason,
    )
