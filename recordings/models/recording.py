"""A night on one device: its grid, its state, and the counters that ingest keeps under its lock."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q

from devices.models import Device
from noctis.db.constraints import CompositeForeignKey
from tenants.models import Owned, OwnedQuerySet, Tenant
from tenants.models.tenant import known_time_zone

SILENT_AFTER = timedelta(minutes=60)
LONGEST = timedelta(hours=16)
# A pseudonym: no room for an address, nor for a full name as people write it.
PSEUDONYM = r"[A-Za-z0-9._-]{1,64}"


class RecordingQuerySet(OwnedQuerySet):
    def owned_by(self, tenant: Tenant | int) -> Self:
        """What is being erased is nobody's any more, from the moment that it was asked for."""
        return super().owned_by(tenant).exclude(status=Recording.Status.ERASING)

    def bound_to(self, device_uuid: uuid.UUID | None) -> Self:
        """What a key may touch: its device's nights, or all where the key is bound to none."""
        return self if device_uuid is None else self.on_device(device_uuid)

    def on_device(self, device_uuid: uuid.UUID) -> Self:
        return self.filter(device__uuid=device_uuid)

    def in_status(self, status: str) -> Self:
        return self.filter(status=status)

    def open(self) -> Self:
        return self.in_status(Recording.Status.OPEN)

    def closed(self) -> Self:
        """Ended and not staged as it is now: what waits for its night pass."""
        return self.in_status(Recording.Status.CLOSED)

    def erasing(self) -> Self:
        return self.in_status(Recording.Status.ERASING)

    def abandoned(self, at: datetime) -> Self:
        """Open, and nothing received for an hour or opened sixteen hours ago, by our own clock."""
        silent = Q(last_heard_at__lt=at - SILENT_AFTER)
        # Both need an hour's age, which is what the index of open nights is sorted by.
        aged = self.open().filter(created_at__lt=at - SILENT_AFTER)
        return aged.filter(silent | Q(created_at__lt=at - LONGEST))

    def started_from(self, at: datetime) -> Self:
        return self.filter(started_at__gte=at)

    def started_before(self, at: datetime) -> Self:
        return self.filter(started_at__lt=at)

    def updated_since(self, at: datetime) -> Self:
        return self.filter(updated_at__gte=at)


class Recording(Owned):
    class Status(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"
        STAGED = "staged"
        ERASING = "erasing"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    device = models.ForeignKey(
        Device, on_delete=models.PROTECT, related_name="recordings", db_constraint=False
    )
    started_at = models.DateTimeField(editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    timezone = models.CharField(max_length=64, default="UTC", validators=[known_time_zone])
    night_on = models.DateField(editable=False)
    subject = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    epoch_count = models.IntegerField(default=0, editable=False)
    last_index = models.IntegerField(null=True, editable=False)
    # Commit-ordered for each recording: written under its row lock, never earlier than before.
    last_epoch_received_at = models.DateTimeField(null=True, editable=False)
    # When its device was last heard of on this night, and what the sweep looks at.
    last_heard_at = models.DateTimeField()
    # A labelled data set: retention leaves it alone until somebody erases it.
    is_kept = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[Any] = RecordingQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        indexes = [
            # Serves the tenant's list and its range filters: GET /v1/recordings.
            models.Index(fields=["tenant", "-started_at", "-id"], name="recording_by_tenant"),
            # Serves the console's list of everybody's nights.
            models.Index(fields=["-started_at", "-id"], name="recording_newest"),
            # Serves the sweep of abandoned nights.
            models.Index(
                fields=["created_at"], condition=Q(status="open"), name="recording_still_open"
            ),
            # Serves the sweep of nights that wait to be staged. By a column that ingest leaves
            # alone: an index on one that it writes would cost each batch an entry in every index.
            models.Index(fields=["ended_at"], condition=Q(status="closed"), name="recording_due"),
            # Serves retention, which asks of a week whether such a night is in it.
            models.Index(fields=["started_at"], condition=Q(is_kept=True), name="recording_kept"),
            # Serves the erasure of a subject.
            models.Index(
                fields=["tenant", "subject"], condition=~Q(subject=""), name="recording_by_subject"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="recording_tenant_id"),
            # And finds a device's night by its start: recordings:start, epochs:ingest-device.
            models.UniqueConstraint(
                fields=["tenant", "device", "started_at"], name="recording_start_once"
            ),
            CompositeForeignKey(
                fields=("tenant", "device"),
                to="devices.Device",
                to_fields=("tenant", "id"),
                name="recording_device_of_tenant",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["open", "closed", "staged", "erasing"]),
                name="recording_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["open", "erasing"]) | Q(ended_at__isnull=False),
                name="recording_closed_has_ended",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
                name="recording_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(subject="") | Q(subject__regex=rf"^{PSEUDONYM}$"),
                name="recording_subject_is_pseudonym",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.night_on}"
