"""What an audit of the data found: opened once, closed when it is gone. Written by a service."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q


class DataFinding(models.Model):
    """One check that found something, from when it was first seen until it was last."""

    check_name = models.CharField(max_length=40)
    is_fault = models.BooleanField(default=True)
    count = models.BigIntegerField()
    examples = models.JSONField(default=list)
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["check_name"], condition=Q(closed_at=None), name="data_finding_open_once"
            ),
        ]

    def __str__(self) -> str:
        return self.check_name


class DataAudit(models.Model):
    """One run of all checks: how it went, and which could not be done in time."""

    at = models.DateTimeField()
    seconds = models.FloatField()
    checked = models.IntegerField()
    unfinished = models.JSONField(default=list)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"
