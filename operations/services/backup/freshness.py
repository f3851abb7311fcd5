"""How fresh the backups are: when one was last written whole, and last proven. Only reads."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from noctis import metrics
from operations.models import Backup, Restoration

# One is taken each day; half a day more, and yesterday's is missing.
TOO_OLD = timedelta(hours=36)


@dataclass(frozen=True)
class Freshness:
    """None where there never was one. A file that was rotated away was a backup in its time."""

    written_at: datetime | None
    proven_at: datetime | None


def freshness() -> Freshness:
    """Read when a backup was last written whole, and when one was last proven."""
    done = Backup.objects.filter(outcome=Backup.Outcome.DONE)
    equal = Restoration.objects.filter(outcome=Restoration.Outcome.EQUAL)
    proofs = equal.filter(kind=Restoration.Kind.TEST)
    return Freshness(
        written_at=done.aggregate(at=Max("finished_at"))["at"],
        proven_at=proofs.aggregate(at=Max("finished_at"))["at"],
    )


def tell() -> None:
    """Set the metrics from rows, so that a restart of anything changes nothing about them."""
    found = freshness()
    metrics.LAST_BACKUP.set(_seconds(found.written_at))
    metrics.LAST_PROOF.set(_seconds(found.proven_at))


def _seconds(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0
