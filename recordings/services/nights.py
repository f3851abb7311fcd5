"""Nights are opened, started by their devices, and closed: by request, or by the sweep."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from devices.models import Device
from devices.services import DeviceRetired, ExternalIdTaken, register_device
from noctis import errors
from noctis.db.locks import hold_until_commit
from recordings import grid, refusals
from recordings.models import Epoch, Recording
from recordings.services.retention import oldest_kept
from tenants.models import Tenant
from tenants.services import audit
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
    # What the caller named the start, for the refusal of a bad one.
    start_pointer: str = "/started_at"


@dataclass(frozen=True)
class Instrument:
    """A device as it calls itself; its name registers it where it is not known yet.

    `bound_to` is the one device that the caller's key may speak for."""

    external_id: str
    name: str | None = None
    bound_to: UUID | None = None


def open_recording(*, device: Device, night: Night) -> Recording:
    """Open a night on a device; its start is the origin of its grid and never changes."""
    if device.is_retired:
        raise DeviceRetired
    _check_start(device.tenant, night)
    zone = night.timezone or device.tenant.timezone
    recording = Recording(
        tenant=device.tenant,
        device=device,
        started_at=night.started_at.astimezone(UTC),
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


def _check_start(tenant: Tenant, night: Night) -> None:
    now = timezone.now()
    if night.started_at < oldest_kept(tenant=tenant, at=now):
        raise refusals.PastRetention
    if night.started_at > now + FURTHEST_AHEAD:
        problem = errors.Problem(night.start_pointer, "out_of_range", "at most one day ahead")
        raise errors.Invalid(problems=[problem])


def start_recording(
    *, tenant: Tenant, instrument: Instrument, night: Night, actor: Actor
) -> tuple[Recording, bool]:
    """Begin a device's night and close its open one. The same start gives the same night.

    Says whether the night is new."""
    with transaction.atomic():
        device = known_device(tenant=tenant, instrument=instrument, actor=actor)
        # Not the device's row: ingest takes that one after the recording's, so the two would meet.
        hold_until_commit("recordings.start", device.pk)
        same = _recording_starting(device, night.started_at)
        if same is not None:
            return same, False
        started = open_recording(device=device, night=night)
        for previous in _open_on(device).exclude(pk=started.pk):
            close_recording(recording=previous, ended_at=None)
        return started, True


def find_or_open(*, device: Device, night: Night) -> Recording:
    """The device's recording that starts then, opened if need be; others are left as they are."""
    found = _recording_starting(device, night.started_at)
    if found is not None:
        return found
    try:
        return open_recording(device=device, night=night)
    except refusals.RecordingExists:
        found = _recording_starting(device, night.started_at)
        if found is None:
            raise
        return found


def going_on(*, device: Device, started_at: datetime) -> Recording | None:
    """Find the night that a device goes on with which names none: its open one, or a closed one
    that began then by its clock, for it may have been away for longer than an hour."""
    found = _open_on(device).order_by("-started_at").first()
    if found is not None:
        return found
    tolerance = timedelta(seconds=grid.TOLERANCE_S)
    try:
        near = (started_at - tolerance, started_at + tolerance)
    except OverflowError:
        return None
    owned: QuerySet[Recording] = Recording.objects.owned_by(device.tenant)
    return owned.filter(device=device, started_at__range=near).order_by("-started_at").first()


def _recording_starting(device: Device, at: datetime) -> Recording | None:
    owned: QuerySet[Recording] = Recording.objects.owned_by(device.tenant)
    return owned.filter(device=device, started_at=at).select_related("device").first()


def _open_on(device: Device) -> QuerySet[Recording]:
    owned: QuerySet[Recording] = Recording.objects.owned_by(device.tenant).open()
    return owned.filter(device=device).order_by("pk")


def known_device(*, tenant: Tenant, instrument: Instrument, actor: Actor) -> Device:
    """The tenant's device with this external id; registered on the spot when a name is given."""
    found = _device_called(tenant, instrument)
    if found is not None:
        return found
    if instrument.name is None or instrument.bound_to is not None:
        raise UnknownDevice
    facts = {"name": instrument.name, "external_id": instrument.external_id}
    try:
        return register_device(tenant=tenant, facts=facts, actor=actor)
    except ExternalIdTaken:
        # Somebody else registered it at the same moment.
        found = _device_called(tenant, instrument)
        if found is None:
            raise
        return found


def _device_called(tenant: Tenant, instrument: Instrument) -> Device | None:
    owned = Device.objects.owned_by(tenant).bound_to(instrument.bound_to)
    found: Device | None = owned.called(instrument.external_id).select_related("tenant").first()
    return found


def close_recording(*, recording: Recording, ended_at: datetime | None) -> Recording:
    """End a night. Closing it twice gives the same answer."""
    with transaction.atomic():
        locked = _locked(Recording.objects.owned_by(recording.tenant_id))
        found = locked.filter(pk=recording.pk).first()
        if found is None:
            raise errors.Missing
        if found.status != Status.OPEN:
            return found
        if ended_at is not None:
            _check_end(found, ended_at)
        return _close(found, ended_at or end_of(found))


def close_by_hand(*, recording: Recording, actor: Actor, reason: str) -> Recording:
    """Close a night in a device's place; other than the device's own closing it is audited."""
    with transaction.atomic():
        closed = close_recording(recording=recording, ended_at=None)
        audit.record(
            actor=actor,
            tenant=closed.tenant,
            action="recording.close",
            subject=closed,
            change=({"status": recording.status}, {"status": closed.status}),
            reason=reason,
        )
    return closed


def mark_staged(*, recording: Recording, received_at: datetime | None) -> bool:
    """Say that a closed night is staged; it stays due where epochs came since `received_at`."""
    closed: QuerySet[Recording] = Recording.objects.closed().filter(pk=recording.pk)
    still = closed.filter(last_epoch_received_at=received_at)
    return still.update(status=Status.STAGED, updated_at=timezone.now()) == 1


def keep(*, recording: Recording) -> None:
    """Exempt a night from retention: it stays until somebody erases it."""
    owned: QuerySet[Recording] = Recording.objects.owned_by(recording.tenant_id)
    unkept = owned.filter(pk=recording.pk, is_kept=False)
    unkept.update(is_kept=True, updated_at=timezone.now())


def stage_again(*, recording: Recording, actor: Actor, reason: str) -> Recording:
    """Have a closed night staged anew by what serves now; asked again meanwhile it is the same."""
    with transaction.atomic():
        locked = _locked(Recording.objects.owned_by(recording.tenant_id))
        found: Recording | None = locked.filter(pk=recording.pk).first()
        if found is None:
            raise errors.Missing
        if found.status == Status.OPEN:
            raise refusals.RecordingStillOpen
        _check_complete(found)
        before, found.status = found.status, Status.CLOSED
        # Its time of change tells whoever gave it up after failures that it was asked for anew.
        found.save(update_fields=["status", "updated_at"])
        audit.record(
            actor=actor,
            tenant=found.tenant,
            action="recording.stage_again",
            subject=found,
            change=({"status": before}, {"status": found.status}),
            reason=reason,
        )
    return found


def _check_complete(recording: Recording) -> None:
    """A chunk that was dropped leaves the counter as it was; a night that was taken leaves none."""
    if recording.last_index is None:
        return
    own = Epoch.objects.filter(tenant_id=recording.tenant_id, recording_id=recording.pk)
    if own.count() < max(recording.epoch_count, 1):
        raise refusals.EpochsGone


def _check_end(recording: Recording, ended_at: datetime) -> None:
    if not recording.started_at <= ended_at <= timezone.now() + FURTHEST_AHEAD:
        detail = "between the recording's start and one day ahead"
        raise errors.Invalid(problems=[errors.Problem("/ended_at", "out_of_range", detail)])


def end_of(recording: Recording) -> datetime:
    """The end of the last epoch received; a night without any ends where it began."""
    if recording.last_index is None:
        return recording.started_at
    return grid.epoch_start(recording.started_at, recording.last_index + 1)


def _close(recording: Recording, ended_at: datetime) -> Recording:
    recording.ended_at = ended_at.astimezone(UTC)
    recording.status = Status.CLOSED
    recording.save(update_fields=["ended_at", "status", "updated_at"])
    return recording


def _locked(rows: QuerySet[Recording], **how: bool) -> QuerySet[Recording]:
    return rows.select_related("device").select_for_update(of=("self",), **how)


def close_abandoned(*, at: datetime) -> int:
    """Close what no device will close any more; the row says what is due, so repeat at will."""
    due: QuerySet[Recording] = Recording.objects.abandoned(at).order_by("created_at")
    found = due.values_list("pk", flat=True)[:1_000]
    return sum(_close_if_still(due.filter(pk=pk)) for pk in found)


def _close_if_still(due: QuerySet[Recording]) -> bool:
    """Looked at again under the lock: an epoch may have come in between."""
    with transaction.atomic():
        recording = _locked(due, skip_locked=True).first()
        if recording is not None:
            _close(recording, end_of(recording))
    return recording is not None
