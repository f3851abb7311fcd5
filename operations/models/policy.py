"""What was applied of the storage policies, and how their work went. Written by services alone."""

from typing import Any, ClassVar

from django.db import models


class StoragePolicy(models.Model):
    """One row a policy of operations.policies; without a value it was never applied."""

    name = models.CharField(max_length=60, unique=True)
    # In the policy's own unit.
    value = models.IntegerField(null=True)
    applied_at = models.DateTimeField(null=True)
    applied_by = models.CharField(max_length=200, blank=True)
    # Of the work that beat does for it; the server keeps its own jobs' record.
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    runs = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)
    last_result = models.JSONField(default=dict)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "storage policies"
        constraints = [
            models.CheckConstraint(condition=models.Q(value__gt=0), name="storage_policy_positive"),
        ]

    def __str__(self) -> str:
        return self.name
