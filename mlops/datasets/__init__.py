"""Who is learnt from and who judges: labelled nights, kept apart by subject; no Django."""

from mlops.datasets.archive import SnapshotUnfit, packed, unpacked
from mlops.datasets.identity import content_mark, measured_mark, snapshot_checksum, subject_mark
from mlops.datasets.nights import UNKNOWN, LabelledNight, labelled
from mlops.datasets.snapshot import PARTS, Part, Snapshot, snapshot_of
from mlops.datasets.splits import Fold, Leak, check_apart, folds_by_subject

__all__ = [
    "PARTS",
    "UNKNOWN",
    "Fold",
    "LabelledNight",
    "Leak",
    "Part",
    "Snapshot",
    "SnapshotUnfit",
    "check_apart",
    "content_mark",
    "folds_by_subject",
    "labelled",
    "measured_mark",
    "packed",
    "snapshot_checksum",
    "snapshot_of",
    "subject_mark",
    "unpacked",
]
