"""How a version did on labelled nights that it was not fitted to: what gates are read from."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q

from inference.models import Family, ModelVersion
from mlops.models.job import Job, JobQuerySet, job_constraints, job_indexes


class GateRunQuerySet(JobQuerySet):
    def of(self, model: ModelVersion, family: str) -> Self:
        """Newest first."""
        return self.filter(model=model, family=family).order_by("-id")


class GateRun(Job):
    """The figures alone: whether they are enough is asked when it matters, by the settings then."""

    model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    family = models.CharField(max_length=5, choices=Family)
    # What served when it was measured, on the same nights.
    incumbent = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="+", null=True
    )
    report = models.JSONField(default=dict)

    objects: ClassVar[Any] = GateRunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            *job_indexes("gate_run"),
            # Serves the newest run of a version.
            models.Index(fields=["model", "family", "-id"], name="gate_run_newest"),
        ]
        constraints = [
            # Asked twice is asked once.
            models.UniqueConstraint(
                fields=["model", "family"],
                condition=Q(status__in=["queued", "running"]),
                name="gate_run_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(family__in=["live", "night"]), name="gate_run_family_known"
            ),
            *job_constraints("gate_run"),
        ]

    def __str__(self) -> str:
        return f"gates of model {self.model_id}, {self.family}"
