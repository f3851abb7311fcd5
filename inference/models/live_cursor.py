"""How far an open night has been staged live: with the recording's row, the queue of it."""

from typing import Any, ClassVar

from django.db import models

from noctis.db.constraints import CompositeForeignKey
from recordings.models import Recording
from tenants.models import Owned, OwnedQuerySet


class LiveCursor(Owned):
    """Due is what received an epoch after `staged_through`, by the recording's own clock."""

    recording = models.OneToOneField(
        Recording,
        on_delete=models.PROTECT,
        related_name="live_cursor",
        primary_key=True,
        db_constraint=False,
    )
    # The recording's `last_epoch_received_at` as it was read with the epochs that were staged.
    staged_through = models.DateTimeField()

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [
            CompositeForeignKey(
                fields=("tenant", "recording"),
                to="recordings.Recording",
                to_fields=("tenant", "id"),
                name="cursor_recording_of_tenant",
            ),
        ]

    def __str__(self) -> str:
        return f"recording {self.recording_id} staged through {self.staged_through}"
