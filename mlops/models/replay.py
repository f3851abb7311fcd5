"""Nights staged anew by versions that are named: the job, and a row for each of its nights."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from inference.models import ModelVersion
from mlops.models.job import Job, JobQuerySet, job_constraints, job_indexes
from noctis.db.constraints import CompositeForeignKey
from recordings.models import Recording
from tenants.models import Owned, OwnedQuerySet


class Replay(Job):
    """Its nights are what workers claim; the row itself is held by nobody."""

    first = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+", null=True)
    # What was asked for, as it was.
    criteria = models.JSONField(default=dict)
    # Whether its predictions are logged, with the role of a replay.
    is_stored = models.BooleanField(default=False)
    nights = models.IntegerField()
    report = models.JSONField(default=dict)
    cancelled_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = job_indexes("replay")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="replay_tenant_id"),
            models.CheckConstraint(
                condition=~Q(second=models.F("first")), name="replay_versions_differ"
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True) | Q(status="failed"),
                name="replay_cancelled_has_ended",
            ),
            *job_constraints("replay"),
        ]

    def __str__(self) -> str:
        return f"replay {str(self.uuid)[:8]}"

    @property
    def versions(self) -> dict[str, ModelVersion]:
        """By the names of their lines."""
        named = {"a": self.first, "b": self.second}
        return {name: row for name, row in named.items() if row is not None}


class ReplayNight(Owned):
    """Counted once: by the one statement that takes it from due to done."""

    class Status(models.TextChoices):
        DUE = "due"
        DONE = "done"
        LEFT_OUT = "left_out"
        FAILED = "failed"

    replay = models.ForeignKey(
        Replay, on_delete=models.PROTECT, related_name="members", db_constraint=False
    )
    recording = models.ForeignKey(
        Recording, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    status = models.CharField(max_length=8, choices=Status, default=Status.DUE)
    # Until then somebody is at it, or it waits in a queue.
    held_until = models.DateTimeField(null=True)
    tries = models.SmallIntegerField(default=0)
    # Why it was left out, or what its last try failed with.
    reason = models.CharField(max_length=200, blank=True)
    # mlops.comparison.NightCounts.
    counts = models.JSONField(default=dict)
    # Of the few that differ most: the places in SHOWN that each line gave, epoch by epoch.
    lines = models.JSONField(null=True)

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            # Serves the claim of what is due.
            models.Index(fields=["replay", "id"], condition=Q(status="due"), name="replay_due"),
            # Serves the claim too: how many are held.
            models.Index(fields=["held_until"], condition=Q(status="due"), name="replay_held"),
            # Serves the progress.
            models.Index(fields=["replay", "status"], name="replay_by_status"),
            # Serves an erasure.
            models.Index(fields=["tenant", "recording"], name="replay_by_night"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["replay", "recording"], name="replay_night_once"),
            models.CheckConstraint(
                condition=Q(status__in=["due", "done", "left_out", "failed"]),
                name="replay_night_status_known",
            ),
            CompositeForeignKey(
                fields=("tenant", "replay"),
                to="mlops.Replay",
                to_fields=("tenant", "id"),
                name="replay_night_of_tenant",
            ),
            CompositeForeignKey(
                fields=("tenant", "recording"),
                to="recordings.Recording",
                to_fields=("tenant", "id"),
                name="replay_night_recording_of_tenant",
            ),
        ]

    def __str__(self) -> str:
        return f"recording {self.recording_id} in replay {self.replay_id}"
