"""A bedside box of one tenant."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q

from tenants.models import Owned, OwnedQuerySet

# Whoever records each night misses one.
SILENT_AFTER = timedelta(hours=36)


def is_silent(at: datetime) -> Q:
    """Active, and not heard of for longer than from one night to the next."""
    unheard = Q(last_seen_at=None) | Q(last_seen_at__lt=at - SILENT_AFTER)
    return Q(status="active") & unheard


class DeviceQuerySet(OwnedQuerySet):
    def bound_to(self, device_uuid: uuid.UUID | None) -> Self:
        """What a key may touch: its one device, or each where the key is bound to none."""
        return self if device_uuid is None else self.filter(uuid=device_uuid)

    def called(self, external_id: str) -> Self:
        return self.filter(external_id=external_id)

    def in_status(self, status: str) -> Self:
        return self.filter(status=status)

    def updated_since(self, at: datetime) -> Self:
        return self.filter(updated_at__gte=at)


class Device(Owned):
    class Status(models.TextChoices):
        ACTIVE = "active"
        RETIRED = "retired"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120)
    external_id = models.CharField(max_length=120, null=True, blank=True)
    model = models.CharField(max_length=60, blank=True)
    firmware_version = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    # Of its facts: being heard of, which ingest notes in last_seen_at, is no change of them.
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[Any] = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        # Ingest rewrites last_seen_at, which no index holds: room on the page keeps it heap-only.
        indexes = [
            # Serves the tenant's list, newest first: GET /v1/devices.
            models.Index(fields=["tenant", "-created_at", "-id"], name="device_by_tenant"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="device_tenant_id"),
            # What the keys bound to a device refer to.
            models.UniqueConstraint(fields=["tenant", "uuid"], name="device_tenant_uuid"),
            models.UniqueConstraint(fields=["tenant", "external_id"], name="device_external_once"),
            models.CheckConstraint(
                condition=Q(status__in=["active", "retired"]), name="device_status_known"
            ),
            models.CheckConstraint(
                condition=Q(external_id__isnull=True) | ~Q(external_id=""),
                name="device_external_id_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_retired(self) -> bool:
        return self.status == self.Status.RETIRED
