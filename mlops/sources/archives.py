"""A record's arrays out of a `.npz`: never a pickle, each array of one length where it must be."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlops.sources.faults import SourceUnfit
from mlops.sources.nights import Codes
from recordings.grid import MAX_EPOCHS
from recordings.stages import BY_CODE

Arrays = Mapping[str, NDArray[Any]]


def arrays_of(path: Path, names: Sequence[str]) -> Arrays:
    """The arrays named, or a refusal that says which is missing."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [name for name in names if name not in archive.files]
            if missing:
                raise SourceUnfit(f"{path.name} lacks {', '.join(missing)}.")
            return {name: archive[name] for name in names}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, SourceUnfit):
            raise
        raise SourceUnfit(f"{path.name} is no archive of plain arrays: {error}") from None


def of_one_length(path: Path, arrays: Arrays, names: Sequence[str]) -> int:
    lengths = {arrays[name].shape for name in names}
    if len(lengths) != 1 or len(shape := lengths.pop()) != 1:
        raise SourceUnfit(f"{path.name}: {', '.join(names)} are not of one length.")
    return int(shape[0])


def stages_of(path: Path, arrays: Arrays) -> Codes:
    stages = arrays["stage"]
    if stages.ndim != 1 or not 0 < len(stages) <= MAX_EPOCHS:
        raise SourceUnfit(f"{path.name}: a night has 1 to {MAX_EPOCHS} epochs.")
    if not np.isin(stages, list(BY_CODE)).all():
        raise SourceUnfit(f"{path.name}: a stage that is none of {', '.join(map(str, BY_CODE))}.")
    return stages.astype(np.int8)


def subject_of(arrays: Arrays) -> str:
    return str(arrays["subject"][()] if arrays["subject"].ndim == 0 else arrays["subject"].flat[0])
