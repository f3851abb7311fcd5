"""Drift's rows: a staged night in a few hundred numbers, and what a comparison of many said."""

import uuid
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from devices.models import Device
from inference.models import ModelVersion
from noctis.db.constraints import CompositeForeignKey
from recordings.models import Recording
from tenants.models import Owned, OwnedQuerySet


class NightSketch(Owned):
    """Of a night's newest staging by a version. It outlives the night's epochs."""

    recording = models.ForeignKey(
        Recording, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    device = models.ForeignKey(
        Device, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    night_on = models.DateField()
    epochs = models.IntegerField()
    # Features by ten bins of the version's reference, a feature after the other.
    counts = ArrayField(models.IntegerField())
    # Of what is known of each feature: its sum, and the sum of its squares.
    total = ArrayField(models.FloatField())
    squares = ArrayField(models.FloatField())
    # Epochs by label of the version.
    stages = ArrayField(models.IntegerField())
    confidence = models.FloatField(null=True)

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        indexes = [
            # Serves a comparison: a tenant's nights of a version between two days.
            models.Index(fields=["tenant", "model", "night_on"], name="night_sketch_by_night"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["recording", "model"], name="night_sketch_once"),
            CompositeForeignKey(
                fields=("tenant", "recording"),
                to="recordings.Recording",
                to_fields=("tenant", "id"),
                name="night_sketch_recording_of_tenant",
            ),
            CompositeForeignKey(
                fields=("tenant", "device"),
                to="devices.Device",
                to_fields=("tenant", "id"),
                name="night_sketch_device_of_tenant",
            ),
        ]

    def __str__(self) -> str:
        return f"sketch of recording {self.recording_id} by model {self.model_id}"


class DriftRunQuerySet(OwnedQuerySet):
    def of(self, model: ModelVersion) -> Self:
        """Newest first."""
        return self.filter(model=model).order_by("-id")


class DriftRun(Owned):
    """One comparison and its verdict, kept as it was said."""

    class Severity(models.TextChoices):
        INSUFFICIENT = "insufficient_data"
        LOW = "LOW"
        MEDIUM = "MEDIUM"
        HIGH = "HIGH"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    # Nights from `baseline_from` until the day before `current_from`, against those up to `until`.
    baseline_from = models.DateField()
    current_from = models.DateField()
    until = models.DateField()
    current_nights = models.IntegerField()
    baseline_nights = models.IntegerField()
    severity = models.CharField(max_length=20, choices=Severity)
    # Two of the last three runs were of MEDIUM or more.
    is_alarm = models.BooleanField(default=False)
    report = models.JSONField(default=dict)
    seconds = models.FloatField()
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[Any] = DriftRunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            # Serves the newest runs of a version: the report, and whether they make an alarm.
            models.Index(fields=["tenant", "model", "-id"], name="drift_run_newest"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(severity__in=["insufficient_data", "LOW", "MEDIUM", "HIGH"]),
                name="drift_run_severity_known",
            ),
            models.UniqueConstraint(fields=["tenant", "id"], name="drift_run_tenant_id"),
        ]

    def __str__(self) -> str:
        severity = self.severity.replace("_", " ")
        return f"drift of {self.model.version} until {self.until}: {severity}"
