"""Snapshots of labelled nights: which nights, on which side, and what their file must hash to."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from mlops.models.job import Job, JobQuerySet, job_constraints, job_indexes
from noctis.db.constraints import CompositeForeignKey
from recordings.models import FeatureSchema, Recording
from tenants.models import Tenant


class DatasetQuerySet(JobQuerySet):
    def usable(self) -> "DatasetQuerySet":
        """Built, and nothing of it was erased since."""
        found: DatasetQuerySet = self.done().filter(withdrawn_at__isnull=True)
        return found


class Dataset(Job):
    """Built once and never changed; a night of it that is erased takes the file away."""

    schema = models.ForeignKey(FeatureSchema, on_delete=models.PROTECT, related_name="+")
    # What was asked for: mlops.services.criteria.
    criteria = models.JSONField(default=dict)
    label_sources = ArrayField(models.CharField(max_length=10))
    nights = models.IntegerField(default=0)
    fit_nights = models.IntegerField(default=0)
    people = models.IntegerField(default=0)
    epochs = models.IntegerField(default=0)
    # Left out: their measurements are those of a night that is there.
    copies = models.IntegerField(default=0)
    # Scored epochs by part and stage.
    stage_counts = models.JSONField(default=dict)
    # Over content, whatever form the file has; and of the file.
    checksum = models.CharField(max_length=64, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    file_bytes = models.BigIntegerField(default=0)
    withdrawn_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = job_indexes("dataset")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="dataset_tenant_id"),
            *job_constraints("dataset"),
        ]

    def __str__(self) -> str:
        return f"dataset {str(self.uuid)[:8]}"

    @property
    def held_out_nights(self) -> int:
        return self.nights - self.fit_nights

    @property
    def has_made_up_labels(self) -> bool:
        return "synthetic" in self.label_sources


class DatasetNight(models.Model):
    """A night of a snapshot, which may be another tenant's: a row of the dataset, no more its
    owner's than the night is. It goes with the night when that is erased."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="members")
    night_tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    recording = models.ForeignKey(
        Recording, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    # Which scoring of it counted.
    label_version = models.IntegerField()
    is_held_out = models.BooleanField()
    epochs = models.IntegerField()

    objects: ClassVar[models.Manager["DatasetNight"]] = models.Manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            # Serves an erasure, which asks for every snapshot that a night is in.
            models.Index(fields=["night_tenant", "recording"], name="dataset_night_by_night"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "recording"], name="dataset_night_once"),
            CompositeForeignKey(
                fields=("night_tenant", "recording"),
                to="recordings.Recording",
                to_fields=("tenant", "id"),
                name="dataset_night_recording_of_tenant",
            ),
        ]

    def __str__(self) -> str:
        return f"recording {self.recording_id} in dataset {self.dataset_id}"
