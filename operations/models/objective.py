"""The objectives as they stand, and how they stood minute by minute. Written by a service alone."""

from typing import Any, ClassVar

from django.db import models


class Objective(models.Model):
    """One row an objective of operations.objectives, as it was last evaluated."""

    name = models.CharField(max_length=40, unique=True)
    target = models.FloatField()
    evaluated_at = models.DateTimeField()
    # By window: total, bad, value, spent, is_met; null where nothing happened.
    now = models.JSONField(default=dict)
    # Broken over the last five minutes and over the last hour: it happened, and goes on.
    is_broken = models.BooleanField(default=False)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ObjectiveReading(models.Model):
    """What one window looked like at one minute."""

    objective = models.ForeignKey(Objective, on_delete=models.CASCADE, related_name="readings")
    window = models.CharField(max_length=5)
    at = models.DateTimeField()
    total = models.BigIntegerField()
    bad = models.FloatField()
    value = models.FloatField(null=True)
    spent = models.FloatField(null=True)

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        constraints = [
            # And finds what a chart shows: one window from an instant on.
            models.UniqueConstraint(
                fields=["objective", "window", "at"], name="objective_reading_once"
            ),
            models.CheckConstraint(
                condition=models.Q(window__in=["5m", "1h", "24h"]), name="objective_window_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.window} at {self.at:%Y-%m-%d %H:%M}"
