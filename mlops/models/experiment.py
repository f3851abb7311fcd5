"""Experiments and their training runs: what was tried, on which nights, and what came of it."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from inference.models import Family, ModelVersion
from mlops.models.dataset import Dataset
from mlops.models.job import Job, JobQuerySet, job_constraints, job_indexes
from noctis.db.constraints import CompositeForeignKey
from tenants.models import Owned, OwnedQuerySet


class Experiment(Owned):
    """A question, and the runs that answer it."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=500, blank=True)
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            # Serves the tenant's list.
            models.Index(fields=["tenant", "-created_at", "-id"], name="experiment_by_tenant"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="experiment_tenant_id"),
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="experiment_name_once",
                violation_error_message="There is an experiment of this name.",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="experiment_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class TrainingRun(Job):
    """One fit: from a snapshot to a candidate in the registry, with how both sides were judged."""

    experiment = models.ForeignKey(
        Experiment, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    dataset = models.ForeignKey(
        Dataset, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    version_name = models.CharField(max_length=64)
    recipe = models.CharField(max_length=20)
    family = models.CharField(max_length=5, choices=Family)
    seed = models.BigIntegerField(default=1)
    hyperparameters = models.JSONField(default=dict)
    code_revision = models.CharField(max_length=80, blank=True)
    # By what answered, on the nights held out: mlops.training.candidate_figures.
    metrics = models.JSONField(default=dict)
    # What came of it; nothing serves by it before somebody promotes it.
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+", null=True)

    objects: ClassVar[Any] = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            *job_indexes("run"),
            # Serves an experiment's runs.
            models.Index(fields=["experiment", "-created_at", "-id"], name="run_by_experiment"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="run_tenant_id"),
            # A version has one origin. Of two that want one name the second is refused at once.
            models.UniqueConstraint(
                fields=["version_name"],
                condition=~Q(status="failed"),
                name="run_version_once",
                violation_error_message="A run makes a version of this name already.",
            ),
            CompositeForeignKey(
                fields=("tenant", "experiment"),
                to="mlops.Experiment",
                to_fields=("tenant", "id"),
                name="run_experiment_of_tenant",
            ),
            CompositeForeignKey(
                fields=("tenant", "dataset"),
                to="mlops.Dataset",
                to_fields=("tenant", "id"),
                name="run_dataset_of_tenant",
            ),
            models.CheckConstraint(
                condition=Q(family__in=["live", "night"]), name="run_family_known"
            ),
            models.CheckConstraint(
                condition=~Q(status="done") | Q(version__isnull=False), name="run_done_has_version"
            ),
            *job_constraints("run"),
        ]

    def __str__(self) -> str:
        return self.version_name
