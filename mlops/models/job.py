"""A job is a row: what is due is found from it alone, and a claim that lapsed is due again."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from tenants.models import Owned, OwnedQuerySet


class JobQuerySet(OwnedQuerySet):
    def due(self, at: datetime) -> Self:
        """Waiting, or held by somebody who has not been heard of since."""
        return self.filter(Q(status=Job.Status.QUEUED) | self._lapsed(at))

    def held(self, at: datetime) -> Self:
        return self.filter(status=Job.Status.RUNNING, held_until__gt=at)

    def alive(self) -> Self:
        return self.filter(status__in=[Job.Status.QUEUED, Job.Status.RUNNING])

    def done(self) -> Self:
        return self.filter(status=Job.Status.DONE)

    def _lapsed(self, at: datetime) -> Q:
        return Q(status=Job.Status.RUNNING, held_until__lte=at)


class Job(Owned):
    """`tries` counts the claims; whoever writes says which one is his: a late one writes nothing.

    What a tenant's job is about is its own; the platform's may be about everybody's nights."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    class Scope(models.TextChoices):
        TENANT = "tenant"
        PLATFORM = "platform"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.TENANT)
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    progress = models.FloatField(default=0)
    # The last lines of what it said, and why it failed.
    log = models.TextField(blank=True)
    error = models.CharField(max_length=500, blank=True)
    tries = models.SmallIntegerField(default=0)
    held_until = models.DateTimeField(null=True)
    requested_by = models.CharField(max_length=200)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = JobQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def name(self) -> str:
        """What the audit log calls it."""
        return str(self.uuid)

    @property
    def is_alive(self) -> bool:
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)

    @property
    def seconds(self) -> float | None:
        """From its first start to its end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


def job_constraints(name: str) -> list[models.BaseConstraint]:
    """What is true of every kind of job."""
    ended = Q(status__in=["done", "failed"])
    return [
        models.CheckConstraint(
            condition=Q(status__in=["queued", "running", "done", "failed"]),
            name=f"{name}_status_known",
        ),
        models.CheckConstraint(
            condition=Q(scope__in=["tenant", "platform"]), name=f"{name}_scope_known"
        ),
        models.CheckConstraint(
            condition=~ended | Q(finished_at__isnull=False), name=f"{name}_ended_has_time"
        ),
        models.CheckConstraint(
            condition=~Q(status="failed") | ~Q(error=""), name=f"{name}_failure_is_told"
        ),
        models.CheckConstraint(
            condition=Q(progress__gte=0, progress__lte=1), name=f"{name}_progress_is_a_share"
        ),
    ]


def job_indexes(name: str) -> list[models.Index]:
    return [
        # Serves the tenant's list.
        models.Index(fields=["tenant", "-created_at", "-id"], name=f"{name}_by_tenant"),
        # Serves the sweep over what is due.
        models.Index(
            fields=["created_at"],
            condition=Q(status__in=["queued", "running"]),
            name=f"{name}_alive",
        ),
    ]
