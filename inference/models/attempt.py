"""A pass over a night that was begun and has not ended well: when it is tried again, and why."""

from typing import Any, ClassVar

from django.db import models

from inference.models.prediction import Pass
from noctis.db.constraints import CompositeForeignKey
from recordings.models import Recording
from tenants.models import Owned, OwnedQuerySet


class StagingAttempt(Owned):
    """Written before the work is begun: what kills its worker is not tried again at once."""

    recording = models.ForeignKey(
        Recording, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    staging_pass = models.SmallIntegerField(choices=Pass, db_column="pass")
    # The recording's `updated_at` when it was begun: whatever changed since is tried at once.
    of_state = models.DateTimeField()
    tries = models.IntegerField()
    begun_at = models.DateTimeField()
    due_again_at = models.DateTimeField()
    # What the last one failed with, as far as it could tell.
    failure = models.CharField(max_length=200, blank=True)

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-begun_at", "-id"]
        constraints = [
            # And finds a night's attempt, for the sweeps.
            models.UniqueConstraint(fields=["recording", "staging_pass"], name="attempt_once"),
            CompositeForeignKey(
                fields=("tenant", "recording"),
                to="recordings.Recording",
                to_fields=("tenant", "id"),
                name="attempt_recording_of_tenant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_staging_pass_display()} pass of recording {self.recording_id}"
