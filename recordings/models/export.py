"""How far an incremental export has come, recording by recording."""

from django.db import models

from tenants.models import Owned


class ExportMark(Owned):
    """Within a recording the time of receipt is in commit order, so one instant says it all."""

    kind = models.CharField(max_length=12)
    recording_id = models.BigIntegerField()
    through = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "recording_id"], name="export_mark_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of recording {self.recording_id} through {self.through}"
