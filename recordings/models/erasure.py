"""A request to forget nights: the row is the job, and the proof that it was done."""

import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q

from tenants.models import Owned, OwnedQuerySet


class ErasureQuerySet(OwnedQuerySet):
    def due(self) -> Self:
        return self.filter(status=Erasure.Status.DUE)


class Erasure(Owned):
    class Status(models.TextChoices):
        DUE = "due"
        DONE = "done"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # One of the two says what is to be forgotten; the subject is forgotten here too in the end.
    recording_uuid = models.UUIDField(null=True)
    subject = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.DUE)
    requested_by = models.CharField(max_length=200)
    recordings_erased = models.IntegerField(default=0)
    epochs_erased = models.IntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = ErasureQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            # Serves the sweep over due erasures.
            models.Index(fields=["created_at"], condition=Q(status="due"), name="erasure_due"),
            # Serves the tenant's list.
            models.Index(fields=["tenant", "-created_at", "-id"], name="erasure_by_tenant"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["due", "done"]), name="erasure_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status="due") | Q(done_at__isnull=False), name="erasure_done_has_time"
            ),
            models.CheckConstraint(
                condition=Q(status="due") | Q(subject=""), name="erasure_done_forgets_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"erasure {self.uuid}"
