"""Rows of the foundations: answers to requests that may be sent again, and how much was asked."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


class KeptAnswerQuerySet(models.QuerySet[Any]):
    def expired(self, at: datetime) -> "KeptAnswerQuerySet":
        return self.filter(expires_at__lte=at)


class KeptAnswer(models.Model):
    """The answer to a POST with an `Idempotency-Key`, written with the effect or not at all."""

    tenant = models.BigIntegerField()  # an id: foundations know no app
    client = models.TextField()
    route = models.TextField()
    key = models.TextField()
    fingerprint = models.BinaryField(max_length=32)
    answer = models.TextField(help_text="Sealed by the key ring, for it may hold a secret.")
    expires_at = models.DateTimeField(db_index=True)

    objects: ClassVar[Any] = KeptAnswerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "client", "route", "key"], name="kept_answer_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"


class Traffic(models.Model):
    """What all web processes answered in some minutes: sampled from their metrics, which forget."""

    MINUTE, SHORT, LONG = 1, 5, 60

    minutes = models.SmallIntegerField()
    at = models.DateTimeField()
    answered = models.BigIntegerField(default=0)
    # By whose fault: 4xx the caller's, 5xx ours.
    refused = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    batches = models.BigIntegerField(default=0)
    batches_refused = models.BigIntegerField(default=0)
    # Those of the refused that were ours.
    batches_failed = models.BigIntegerField(default=0)
    epochs = models.BigIntegerField(default=0)
    sign_ins_refused = models.BigIntegerField(default=0)
    circuit_opened = models.BigIntegerField(default=0)
    reloads = models.BigIntegerField(default=0)
    reloads_failed = models.BigIntegerField(default=0)
    # How many answers with predictions, and how many commits, fell into each bucket of their
    # histograms.
    predicting = ArrayField(models.BigIntegerField(), default=list)
    committing = ArrayField(models.BigIntegerField(), default=list)

    objects: ClassVar[models.Manager["Traffic"]] = models.Manager()

    class Meta:
        constraints = [
            # And finds what a chart shows: the spans of one length from an instant on.
            models.UniqueConstraint(fields=["minutes", "at"], name="traffic_span_once"),
            models.CheckConstraint(
                condition=models.Q(minutes__in=[1, 5, 60]), name="traffic_span_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.minutes} min from {self.at:%Y-%m-%d %H:%M}"


class TrafficMark(models.Model):
    """One row: the counters as they were last read, for what came since."""

    ONLY = 1

    id = models.SmallIntegerField(primary_key=True, default=ONLY)
    totals = models.JSONField(default=dict)
    at = models.DateTimeField()

    objects: ClassVar[models.Manager["TrafficMark"]] = models.Manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="traffic_mark_is_one_row"),
        ]

    def __str__(self) -> str:
        return f"read at {self.at:%Y-%m-%d %H:%M:%S}"


class TaskOutcome(models.Model):
    """How each background task ended when it last did, and when it last failed."""

    task = models.CharField(max_length=200, primary_key=True)
    ended_at = models.DateTimeField()
    took_ms = models.IntegerField(default=0)
    is_failed = models.BooleanField(default=False)
    # Of the last failure; it stays when the task has recovered.
    failed_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True)
    failures = models.BigIntegerField(default=0)
    request_id = models.CharField(max_length=64, blank=True)

    objects: ClassVar[models.Manager["TaskOutcome"]] = models.Manager()

    class Meta:
        ordering = ["task"]
        verbose_name = "job"

    def __str__(self) -> str:
        return self.task
