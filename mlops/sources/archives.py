"""A record's arrays out of a `.npz`: never a pickle, each array of one length where it must be."""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mlops.sources.faults import SourceUnfit
from mlops.sources.nights import Codes
from recordings.grid import MAX_EPOCHS
from recordings.stages import BY_CODE

Arrays = Mapping[str, NDArray[Any]]
# A night of beats is some hundred kilobytes.
LARGEST = 16 * 1024 * 1024
PLAIN = "biufUS"
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
# What a file that is cut short, or was never an archive, makes its readers say.
UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    RuntimeError,
    NotImplementedError,
    zlib.error,
    zipfile.BadZipFile,
)


def arrays_of(path: Path, names: Sequence[str]) -> Arrays:
    """The arrays named, or a refusal that says which is missing."""
    try:
        with zipfile.ZipFile(path) as archive:
            there = set(archive.namelist())
            if missing := [name for name in names if f"{name}.npy" not in there]:
                raise SourceUnfit(f"{path.name} lacks {', '.join(missing)}.")
            return {name: _array(archive, name) for name in names}
    except SourceUnfit:
        raise
    except UNREADABLE as error:
        raise SourceUnfit(f"{path.name} is no archive of plain arrays: {error}") from None


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """What a header promises is looked at before there is room made for it."""
    member = archive.getinfo(f"{name}.npy")
    with archive.open(member) as file:
        header = HEADERS[npy.read_magic(file)]
        shape, _, dtype = header(file)
    promised = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if dtype.kind not in PLAIN or max(promised, member.file_size) > LARGEST:
        told = f"{name} is not plain, or of more than {LARGEST} bytes"
        raise SourceUnfit(f"{Path(str(archive.filename)).name}: {told}.")
    with archive.open(member) as file:
        array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
    return array


def of_one_length(path: Path, arrays: Arrays, names: Sequence[str]) -> int:
    lengths = {arrays[name].shape for name in names}
    if len(lengths) != 1 or len(shape := lengths.pop()) != 1:
        raise SourceUnfit(f"{path.name}: {', '.join(names)} are not of one length.")
    return int(shape[0])


def stages_of(path: Path, arrays: Arrays) -> Codes:
    stages = arrays["stage"]
    if stages.dtype.kind not in "iu" or stages.ndim != 1 or not 0 < len(stages) <= MAX_EPOCHS:
        raise SourceUnfit(f"{path.name}: a night has 1 to {MAX_EPOCHS} epochs.")
    if not np.isin(stages, list(BY_CODE)).all():
        raise SourceUnfit(f"{path.name}: a stage that is none of {', '.join(map(str, BY_CODE))}.")
    return stages.astype(np.int8)


def subject_of(path: Path, arrays: Arrays) -> str:
    subject = arrays["subject"]
    if subject.size != 1:
        raise SourceUnfit(f"{path.name}: a night has one subject.")
    return str(subject.item())
