"""Who is learnt from and who judges: labelled nights, kept apart by subject; no Django."""

from mlops.datasets.identity import content_mark, snapshot_checksum, subject_mark
from mlops.datasets.nights import UNKNOWN, LabelledNight, labelled
from mlops.datasets.splits import Fold, Leak, check_apart, folds_by_subject

__all__ = [
    "UNKNOWN",
    "Fold",
    "LabelledNight",
    "Leak",
    "check_apart",
    "content_mark",
    "folds_by_subject",
    "labelled",
    "snapshot_checksum",
    "subject_mark",
]
