"""Retraining: why a new candidate was asked for, and how far it has come. Never what serves."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from inference.models import Family
from mlops.models.dataset import Dataset
from mlops.models.drift import DriftRun
from mlops.models.experiment import TrainingRun
from mlops.models.job import Job, JobQuerySet, job_constraints, job_indexes
from noctis.db.constraints import CompositeForeignKey


def _own(model: type[models.Model]) -> Any:
    """A row of the same tenant, once there is one."""
    return models.ForeignKey(
        model, on_delete=models.PROTECT, related_name="+", null=True, db_constraint=False
    )


class RetrainingQuerySet(JobQuerySet):
    def about(self, family: str, scope: str) -> "RetrainingQuerySet":
        return self.filter(family=family, scope=scope)


class Retraining(Job):
    """One at a time for each family and scope; its rows are also the memory of its pauses."""

    class Cause(models.TextChoices):
        DRIFT = "drift"
        REGRESSION = "regression"
        PERSON = "person"

    family = models.CharField(max_length=5, choices=Family)
    cause = models.CharField(max_length=10, choices=Cause)
    reason = models.CharField(max_length=500, blank=True)
    # How the snapshot and the run are to be made.
    wanted = models.JSONField(default=dict)
    drift_run = _own(DriftRun)
    dataset = _own(Dataset)
    run = _own(TrainingRun)

    objects: ClassVar[Any] = RetrainingQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = job_indexes("retraining")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "scope", "family"],
                condition=Q(status__in=["queued", "running"]),
                name="retraining_one_at_a_time",
                violation_error_message="One of this family is at work.",
            ),
            models.CheckConstraint(
                condition=Q(family__in=["live", "night"]), name="retraining_family_known"
            ),
            models.CheckConstraint(
                condition=Q(cause__in=["drift", "regression", "person"]),
                name="retraining_cause_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="done") | Q(run__isnull=False), name="retraining_done_has_run"
            ),
            *(
                CompositeForeignKey(
                    fields=("tenant", name),
                    to=f"mlops.{model}",
                    to_fields=("tenant", "id"),
                    name=f"retraining_{name}_of_tenant",
                )
                for name, model in (
                    ("drift_run", "DriftRun"),
                    ("dataset", "Dataset"),
                    ("run", "TrainingRun"),
                )
            ),
            *job_constraints("retraining"),
        ]

    def __str__(self) -> str:
        return f"retraining {str(self.uuid)[:8]}, {self.family}"
