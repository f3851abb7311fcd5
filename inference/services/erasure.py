"""What is kept of a night here goes when the night is erased."""

from inference.models import Hypnogram, LiveCursor, Prediction, StagingAttempt
from noctis.db.maintenance import maintenance
from noctis.models import KeptAnswer
from recordings.models import Recording

QUESTIONS = "v1/predict"


def forget_night(*, recording: Recording) -> None:
    """Remove a night's predictions, hypnograms and marks, in its erasure's own transaction.

    The logs are opened for them alone; the erasure's report is the audit of it."""
    with maintenance():
        Prediction.objects.filter(tenant_id=recording.tenant_id, recording_id=recording.pk).delete()
        Hypnogram.objects.owned_by(recording.tenant_id).filter(recording=recording).delete()
    # Which night a kept answer speaks of is sealed with it: all of the tenant's go.
    KeptAnswer.objects.filter(tenant=recording.tenant_id, route=QUESTIONS).delete()
    for kept in (LiveCursor, StagingAttempt):
        kept.objects.owned_by(recording.tenant_id).filter(recording=recording).delete()
