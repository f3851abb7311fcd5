"""Nights summed up by day: what outlives their epochs, and how far the summing has come."""

from typing import Any, ClassVar

from django.db import models

from noctis.db.constraints import CompositeForeignKey
from recordings.models import Recording
from tenants.models import Owned, OwnedQuerySet


class SummaryMark(Owned):
    """For each night and summary, the night's state that was summed up.

    The row is retention's queue: what has none was not summed up, and is not let go."""

    class State(models.TextChoices):
        WHOLE = "whole"
        # Retention has taken some: summing up anew would take history away.
        TAKEN = "taken"
        # Retention has taken all there can be.
        GONE = "gone"

    recording = models.ForeignKey(
        Recording, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    summary = models.CharField(max_length=30)
    state = models.CharField(max_length=5, choices=State, default=State.WHOLE)
    started_at = models.DateTimeField()
    # The recording's `updated_at` before its rows were read.
    seen_at = models.DateTimeField()

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        indexes = [
            # Serves retention's search for the nights that still have something to let go.
            models.Index(
                fields=["summary", "tenant", "started_at"],
                condition=~models.Q(state="gone"),
                name="summary_mark_to_take",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["recording", "summary"], name="summary_mark_once"),
            CompositeForeignKey(
                fields=("tenant", "recording"),
                to="recordings.Recording",
                to_fields=("tenant", "id"),
                name="summary_mark_recording_of_tenant",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["whole", "taken", "gone"]),
                name="summary_mark_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.summary} of recording {self.recording_id}"


class RecordingDailySummary(models.Model):
    """One row a night, staging and UTC day; which staging counts is the reader's to say.

    A staging is a model and the hash of all that it looked at: production night passes only."""

    pk = models.CompositePrimaryKey("tenant_id", "recording_id", "model_id", "input_hash", "day")
    tenant_id = models.IntegerField()
    recording_id = models.IntegerField()
    model_id = models.SmallIntegerField()
    input_hash = models.BinaryField(max_length=16)
    # Its midnight; an epoch belongs to the day in which it ends.
    day = models.DateTimeField()
    predictions = models.BigIntegerField()
    wake = models.BigIntegerField()
    light = models.BigIntegerField()
    deep = models.BigIntegerField()
    rem = models.BigIntegerField()
    mean_confidence = models.FloatField()

    objects: ClassVar[models.Manager["RecordingDailySummary"]] = models.Manager()

    class Meta:
        db_table = "recording_daily_summary"

    def __str__(self) -> str:
        return f"recording {self.recording_id} on {self.day:%Y-%m-%d}"


class DeviceDailySummary(models.Model):
    """One row a device, night and UTC day; a device's day is the sum over its nights.

    Sums with the number of values in them, because means of means are wrong."""

    pk = models.CompositePrimaryKey("tenant_id", "device_id", "recording_id", "day")
    tenant_id = models.IntegerField()
    device_id = models.IntegerField()
    recording_id = models.IntegerField()
    day = models.DateTimeField()
    epochs = models.BigIntegerField()
    # From the first to the last that came.
    expected = models.BigIntegerField()
    # Epochs with a feature that is a gap.
    gaps = models.BigIntegerField()
    heart_rate_sum = models.FloatField(null=True)
    heart_rate_known = models.BigIntegerField()
    respiration_sum = models.FloatField(null=True)
    respiration_known = models.BigIntegerField()
    movement_sum = models.FloatField(null=True)
    movement_known = models.BigIntegerField()

    objects: ClassVar[models.Manager["DeviceDailySummary"]] = models.Manager()

    class Meta:
        db_table = "device_daily_summary"

    def __str__(self) -> str:
        return f"device {self.device_id} on {self.day:%Y-%m-%d}"
