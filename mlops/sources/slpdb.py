"""Beat-to-beat intervals with stages, as MIT-BIH's polysomnographic records are re-packed."""

from pathlib import Path

from mlops.sources import archives
from mlops.sources.beats import Beats, beat_columns
from mlops.sources.nights import SourceNight

SUFFIX = ".npz"
BEATS = ("beat_time_s", "rr_interval_s", "beat_normal")


def read(path: Path) -> list[SourceNight]:
    """Apnoea marks are left out: a scorer saw airflow for them, a device does not."""
    arrays = archives.arrays_of(path, (*BEATS, "stage", "subject"))
    archives.of_one_length(path, arrays, BEATS)
    codes = archives.stages_of(path, arrays)
    beats = Beats.of(*(arrays[name] for name in BEATS))
    features = beat_columns(beats, len(codes))
    return [SourceNight("slpdb", path.stem, archives.subject_of(path, arrays), features, codes)]
