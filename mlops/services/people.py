"""Whose a scored night is: by this, nights of one person stay on one side of a split."""

from hashlib import sha256

from inference.provenance import OF_A_TENANT
from mlops.sources import FORMATS
from mlops.training.provenance import SIMULATED
from recordings.models import LabelSet

# What imported nights' scorers are called by.
IMPORTED = "-scorers"


def person_of(*, scoring: LabelSet) -> tuple[str, str]:
    """Say whose night it is, and of which data set. Who is not named is whoever sleeps at the
    device; a tenant is told apart from others without being named."""
    recording = scoring.recording
    subject = recording.subject or f"device-{recording.device_id}"
    if scoring.source == LabelSet.Source.SYNTHETIC:
        return SIMULATED, subject
    name = scoring.scorer.removesuffix(IMPORTED)
    if name in FORMATS and subject.startswith(f"{name}-"):
        return name, subject.removeprefix(f"{name}-")
    return f"{OF_A_TENANT}{sha256(recording.tenant.uuid.bytes).hexdigest()[:12]}", subject
