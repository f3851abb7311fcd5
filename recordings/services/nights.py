"""Nights are opened, started by their devices, and closed: by request, or by the sweep."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from devices.models import Device
from devices.services import register_device
from noctis import errors
from recordings import grid, refusals
from recordings.models import Recording
from recordings.services.retention import oldest_kept
from tenants.models import Tenant
from tenants.services.audit import Actor

FURTHEST_AHEAD = timedelta(days=1)
Status = Recording.Status


class UnknownDevice(errors.Missing):
    row = errors.registered(
        "device_not_found",
        404,
        "No such device",
        "The tenant has no device with this external id, and no `device_name` was given.",
        "Register it, or send `device_name` along.",
    )


@dataclass(frozen=True)
class Night:
    """What a new recording shall be."""

    started_at: datetime
    timezone: str | None = None
    subject: str = ""


def open_recording(*, device: Device, night: Night) -> Recording:
    """Open a night on a device; its start is the origin of its grid and never changes."""
    check_start(device.tenant, night.started_at)
    zone = night.timezone or device.tenant.timezone
    recording = Recording(
        tenant=device.tenant,
        device=device,
        started_at=night.started_at,
        timezone=zone,
        night_on=grid.night_of(night.started_at, zone),
        subject=night.subject,
        last_heard_at=timezone.now(),
    )
    try:
        with transaction.atomic():
            recording.save(force_insert=True)
    except IntegrityError as error:
        if "recording_start_once" not in str(error):
            raise
        raise refusals.RecordingExists from None
    return recording


def check_start(tenant: Tenant, started_at: datetime) -> None:
    now = timezone.now()
    if started_at < oldest_kept(tenant, now):
        raise refusals.PastRetention
    if started_at > now + FURTHEST_AHEAD:
        detail = "at most one day ahead"
        raise errors.Invalid(problems=[errors.Problem("/started_at", "out_of_range", detail)])


def start_recording(*, device: Device, night: Night) -> Recording:
    """A device begins a night: its open one is closed. The same start gives the same night."""
    with transaction.atomic():
        device = Device.objects.select_for_update().get(pk=device.pk)
        same = recording_starting(device, night.started_at)
        if same is not None:
            return same
        for previous in _open_on(device):
            close_recording(recording=previous, ended_at=None)
        return open_recording(device=device, night=night)


def find_or_open(*, device: Device, night: Night) -> Recording:
    """The device's recording that starts then, opened if need be; others are left as they are."""
    found = recording_starting(device, night.started_at)
    if found is not None:
        return found
    try:
        return open_recording(device=device, night=night)
    except refusals.RecordingExists:
        return Recording.objects.get(device=device, started_at=night.started_at)


def recording_starting(device: Device, at: datetime) -> Recording | None:
    owned: QuerySet[Recording] = Recording.objects.owned_by(device.tenant)
    return owned.filter(device=device, started_at=at).first()


def _open_on(device: Device) -> QuerySet[Recording]:
    owned: QuerySet[Recording] = Recording.objects.owned_by(device.tenant).open()
    return owned.filter(device=device)


def known_device(*, tenant: Tenant, external_id: str, name: str | None, actor: Actor) -> Device:
    """The tenant's device with this external id; registered on the spot when a name is given."""
    owned = Device.objects.owned_by(tenant).select_related("tenant")
    found = owned.filter(external_id=external_id).first()
    if found is not None:
        return found
    if name is None:
        raise UnknownDevice
    facts = {"name": name, "external_id": external_id}
    return register_device(tenant=tenant, facts=facts, actor=actor)


def close_recording(*, recording: Recording, ended_at: datetime | None) -> Recording:
    """End a night. Closing it twice gives the same answer."""
    with transaction.atomic():
        recording = Recording.objects.select_for_update().get(pk=recording.pk)
        if recording.status != Status.OPEN:
            return recording
        recording.ended_at = ended_at or end_of(recording)
        if not recording.started_at <= recording.ended_at <= timezone.now() + FURTHEST_AHEAD:
            detail = "between the recording's start and one day ahead"
            raise errors.Invalid(problems=[errors.Problem("/ended_at", "out_of_range", detail)])
        recording.status = Status.CLOSED
        recording.save(update_fields=["ended_at", "status", "updated_at"])
    return recording


def end_of(recording: Recording) -> datetime:
    """The end of the last epoch received; a night without any ends where it began."""
    if recording.last_index is None:
        return recording.started_at
    return grid.epoch_start(recording.started_at, recording.last_index + 1)


def close_abandoned(*, at: datetime) -> int:
    """Close what no device will close any more; the row says what is due, so repeat at will."""
    due = list(Recording.objects.abandoned(at)[:1_000])
    for recording in due:
        close_recording(recording=recording, ended_at=None)
    return len(due)
