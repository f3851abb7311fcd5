"""A wrist's movement and spread of heart rate with stages, as Walch's subjects are re-packed."""

from pathlib import Path

import numpy as np

from mlops.sources import archives
from mlops.sources.faults import SourceUnfit
from mlops.sources.nights import SourceNight, columns

SUFFIX = ".npz"
SIGNALS = ("activity_count", "hr_variability")
# Counts of an epoch that are taken for half of it spent moving; more say less and less.
HALF_MOVING = 20.0


def read(path: Path) -> list[SourceNight]:
    """Movement is an accelerometer's. The spread has no unit: good after a night's normalisation.

    It also looks ahead, so that no live pass may be judged by it."""
    arrays = archives.arrays_of(path, (*SIGNALS, "stage", "subject"))
    archives.of_one_length(path, arrays, (*SIGNALS, "stage"))
    codes = archives.stages_of(path, arrays)
    counts, spread = (arrays[name].astype(np.float64) for name in SIGNALS)
    if (counts < 0).any() or (spread < 0).any():
        raise SourceUnfit(f"{path.name}: a count or a spread below 0.")
    known = {"vib_move_pct": 100 * counts / (counts + HALF_MOVING), "hr_std": spread}
    features = columns(len(codes), known)
    return [SourceNight("walch", path.stem, archives.subject_of(path, arrays), features, codes)]
