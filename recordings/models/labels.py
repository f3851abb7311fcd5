"""Ground truth for a night: versioned sets, never overwritten, as fine as they came."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from noctis.db.constraints import CompositeForeignKey
from recordings.models.recording import Recording
from tenants.models import Owned


class LabelSet(Owned):
    class Source(models.TextChoices):
        PSG = "psg"
        HUMAN = "human"
        # Made by a simulator: nothing that is measured on it says anything of people.
        SYNTHETIC = "synthetic"

    recording = models.ForeignKey(
        Recording, on_delete=models.PROTECT, related_name="label_sets", db_constraint=False
    )
    version = models.IntegerField()
    scorer = models.CharField(max_length=64)
    source = models.CharField(max_length=10, choices=Source)
    # Position i is epoch i; the codes are those of recordings.stages, -1 where nobody scored.
    stages = ArrayField(models.SmallIntegerField())
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-version"]
        indexes = [
            # Serves the tenant's incremental export of labels.
            models.Index(fields=["tenant", "-created_at", "-id"], name="labels_by_tenant"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "recording", "version"], name="labels_version_once"
            ),
            CompositeForeignKey(
                fields=("tenant", "recording"),
                to="recordings.Recording",
                to_fields=("tenant", "id"),
                name="labels_recording_of_tenant",
            ),
            models.CheckConstraint(
                condition=Q(source__in=["psg", "human", "synthetic"]), name="labels_source_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} by {self.scorer}, version {self.version}"
