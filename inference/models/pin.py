"""A tenant's own choice: the version that serves it in a family, whatever serves the others."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from inference.models.serving import Family
from inference.models.version import ModelVersion
from tenants.models import Owned, OwnedQuerySet


class TenantPinQuerySet(OwnedQuerySet):
    def of(self, version: ModelVersion) -> "TenantPinQuerySet":
        return self.filter(version=version)


class TenantPin(Owned):
    """Written by inference.services.pins alone, with the generation in one transaction."""

    family = models.CharField(max_length=5, choices=Family)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="pins")
    since = models.DateTimeField()
    reason = models.CharField(max_length=500)

    objects: ClassVar[Any] = TenantPinQuerySet.as_manager()

    class Meta:
        ordering = ["tenant", "family"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "family"], name="pin_once_in_a_family"),
            models.CheckConstraint(
                condition=Q(family__in=["live", "night"]), name="pin_family_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.family}: {self.version}"
