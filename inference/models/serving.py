"""What serves: a version for each family, and the number that every change of it raises."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from inference.models.version import ModelVersion


class Family(models.TextChoices):
    LIVE = "live"
    NIGHT = "night"


class Serving(models.Model):
    """Written by inference.services.registry alone, with the generation in one transaction."""

    family = models.CharField(max_length=5, choices=Family, primary_key=True)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="serving")
    since = models.DateTimeField()

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ["family"]
        constraints = [
            models.CheckConstraint(
                condition=Q(family__in=["live", "night"]), name="serving_family_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.family}: {self.version_id}"


class Generation(models.Model):
    """One row; processes compare its number with the one that they loaded."""

    ONLY = 1

    id = models.SmallIntegerField(primary_key=True, default=ONLY)
    number = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="generation_is_one_row"),
        ]

    def __str__(self) -> str:
        return str(self.number)
