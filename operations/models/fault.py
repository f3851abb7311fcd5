"""Faults on purpose: a row for each kind, with what is on of it. Written by services alone."""

from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from noctis import faults
from tenants.models import Tenant

LONGEST = timedelta(minutes=60)


class Fault(models.Model):
    """Off where it has no end, or its end is past: no scheduler is needed to end it."""

    kind = models.CharField(
        max_length=20, unique=True, choices=[(kind.value, kind.value) for kind in faults.Kind]
    )
    value_ms = models.IntegerField(default=0)
    target = models.ForeignKey(Tenant, null=True, on_delete=models.SET_NULL, related_name="+")
    route_class = models.CharField(max_length=10, blank=True)
    begun_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    begun_by = models.CharField(max_length=200, blank=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ["kind"]
        constraints = [
            models.CheckConstraint(
                condition=Q(begun_at=None, expires_at=None)
                | Q(expires_at__gt=F("begun_at"), expires_at__lte=F("begun_at") + LONGEST),
                name="fault_ends_within_the_hour",
            ),
            models.CheckConstraint(
                condition=Q(value_ms__gte=0, value_ms__lte=faults.MOST_VALUE_MS),
                name="fault_value_bounded",
            ),
        ]

    def __str__(self) -> str:
        return self.kind

    @property
    def is_on(self) -> bool:
        return self.expires_at is not None and self.expires_at > timezone.now()
