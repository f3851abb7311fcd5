"""Who owns nights: one customer, or the platform itself."""

import uuid
import zoneinfo

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models


def known_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError("%(name)s is no IANA time zone.", params={"name": name})


class TenantQuerySet(models.QuerySet["Tenant"]):
    def active(self) -> "TenantQuerySet":
        return self.filter(status=Tenant.Status.ACTIVE)

    def platform(self) -> "TenantQuerySet":
        """The one tenant that runs the installation, if it is there."""
        return self.filter(kind=Tenant.Kind.PLATFORM)


class Tenant(models.Model):
    class Kind(models.TextChoices):
        PLATFORM = "platform"
        CUSTOMER = "customer"

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.CharField(
        max_length=63, unique=True, validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*\Z")]
    )
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.CUSTOMER)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    timezone = models.CharField(max_length=64, default="UTC", validators=[known_time_zone])
    # Fewer days than the platform keeps epochs; None: as long as the platform does.
    retention_days = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    # Whether nights are staged while they are slept, or only when they are over.
    stages_live = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind"],
                condition=models.Q(kind="platform"),
                name="tenant_one_platform",
                violation_error_message="There is a platform tenant already.",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["platform", "customer"]), name="tenant_kind_known"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["active", "suspended"]), name="tenant_status_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_platform(self) -> bool:
        return self.kind == self.Kind.PLATFORM

    @property
    def is_suspended(self) -> bool:
        return self.status == self.Status.SUSPENDED
