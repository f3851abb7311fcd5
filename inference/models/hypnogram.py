"""A staged night: one stage an epoch, its statistics, and what became of it."""

from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from inference.models.version import ModelVersion
from noctis.db.constraints import CompositeForeignKey
from recordings.models import Recording
from recordings.models.epoch import RealField
from tenants.models import Owned, OwnedQuerySet


class HypnogramQuerySet(OwnedQuerySet):
    def of(self, recording: Recording) -> Self:
        """Newest first: the first is the current one."""
        return self.filter(recording=recording).order_by("-id")


class Hypnogram(Owned):
    """Append-only: a night that is staged anew gets the next revision."""

    class Disposition(models.TextChoices):
        STAGED = "staged"
        IMPLAUSIBLE = "implausible"  # staged, but by numbers that no sleeper has
        NOT_ENOUGH_EPOCHS = "not_enough_epochs"
        SCHEMA_MISMATCH = "schema_mismatch"

    WITH_STAGES = (Disposition.STAGED, Disposition.IMPLAUSIBLE)

    recording = models.ForeignKey(
        Recording, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    revision = models.IntegerField(default=0)
    disposition = models.CharField(max_length=20, choices=Disposition)
    # Position i is epoch `first_index` + i; codes of recordings.stages, -1 where none was given.
    first_index = models.IntegerField(default=0)
    stages = ArrayField(models.SmallIntegerField(), default=list)
    # As long as `stages`; NaN where no stage was given.
    confidences = ArrayField(RealField(), default=list)
    statistics = models.JSONField(default=dict)
    # The share of the epochs between lights off and on that has a stage.
    coverage = models.FloatField(default=0)
    mean_confidence = models.FloatField(null=True)
    # How like a sleeper's the night's numbers were; null where too few were known to say.
    continuity = models.FloatField(null=True)
    astray = models.FloatField(null=True)
    # BLAKE2b of the night's bytes, artifact and schema; empty where nothing could be staged.
    input_hash = models.BinaryField(max_length=16, default=b"")
    # How many epochs were stored when it was made: fewer never supersede more.
    epoch_count = models.IntegerField(default=0)
    # Within a recording in the order of revisions, whatever the clocks of two workers say.
    staged_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[Any] = HypnogramQuerySet.as_manager()

    class Meta:
        ordering = ["-staged_at", "-id"]
        indexes = [
            # Serves the console's list of staged nights.
            models.Index(fields=["tenant", "-staged_at", "-id"], name="hypnogram_by_tenant"),
            # And the same of everybody's.
            models.Index(fields=["-staged_at", "-id"], name="hypnogram_newest"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "recording", "model", "revision"], name="hypnogram_revision_once"
            ),
            CompositeForeignKey(
                fields=("tenant", "recording"),
                to="recordings.Recording",
                to_fields=("tenant", "id"),
                name="hypnogram_recording_of_tenant",
            ),
            models.CheckConstraint(
                condition=Q(
                    disposition__in=[
                        "staged",
                        "implausible",
                        "not_enough_epochs",
                        "schema_mismatch",
                    ]
                ),
                name="hypnogram_disposition_known",
            ),
            models.CheckConstraint(
                condition=Q(confidences__len=models.F("stages__len")),
                name="hypnogram_arrays_agree",
            ),
        ]

    @property
    def has_stages(self) -> bool:
        return self.disposition in self.WITH_STAGES

    def __str__(self) -> str:
        return f"hypnogram of recording {self.recording_id}, revision {self.revision}"
