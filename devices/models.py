"""A bedside box of one tenant."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q

from tenants.models import Owned, OwnedQuerySet


class DeviceQuerySet(OwnedQuerySet):
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
