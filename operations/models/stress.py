"""Runs under load: what was asked, how far it is, and what was measured. Written by services."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q


class StressRun(models.Model):
    """The row is the job's queue and its report; at most one is under way."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    profile = models.JSONField()
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    is_active = models.BooleanField(default=True)
    done = models.IntegerField(default=0)
    total = models.IntegerField()
    tenant_slug = models.CharField(max_length=63, blank=True)
    requested_by = models.CharField(max_length=200)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    # Without a sign of life for minutes its worker is gone.
    heard_at = models.DateTimeField()
    # Its worker looks once a second whether it shall go on.
    cancelled_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=200, blank=True)
    # By part: count, failed, per_s, p50_ms, p95_ms, p99_ms, memory; and how these went.
    results = models.JSONField(default=dict)
    points = models.JSONField(default=list)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="stress_run_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.profile.get('mode', '?')} of {self.requested_at:%Y-%m-%d %H:%M}"
