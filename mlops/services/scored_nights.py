"""Folders of scored nights, for training and judging; nothing of them is stored here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from mlops.datasets import LabelledNight, labelled
from mlops.sources import FORMATS, SourceNight, SourceUnfit, read_folder
from noctis import errors


class NightsUnfit(errors.Invalid):
    row = errors.registered(
        "nights_unfit",
        422,
        "A folder of nights cannot be read",
        "A file of the folder is not what its format says; none of the folder was used.",
        "docs/models/nights.md describes each format; the detail names the file.",
    )


class NoNights(errors.Missing):
    row = errors.registered(
        "nights_missing",
        404,
        "There are no scored nights here",
        "No folder of nights was named, and `NOCTIS_DATA_DIR` names none.",
        "Give `--path` and `--format`, or set `NOCTIS_DATA_DIR` to a folder with slpdb/ or walch/.",
    )


@dataclass(frozen=True)
class Folder:
    format: str
    path: Path


def read_source(*, folder: Folder) -> list[SourceNight]:
    """Read a folder, or refuse all of it by name."""
    try:
        return read_folder(folder.format, folder.path)
    except SourceUnfit as fault:
        raise NightsUnfit(str(fault)) from None


def known_folders() -> list[Folder]:
    """Find the folders of `NOCTIS_DATA_DIR` that are called as a format is."""
    root = settings.NOCTIS_DATA_DIR
    if not root:
        return []
    named = [Folder(name, Path(root) / name) for name in FORMATS]
    return [folder for folder in named if folder.path.is_dir()]


def read_nights(*, folders: Sequence[Folder]) -> list[LabelledNight]:
    """Read the nights of the folders, or of those there are where none is named."""
    wanted = list(folders) or known_folders()
    if not wanted:
        raise NoNights
    return [night for folder in wanted for night in labelled(read_source(folder=folder))]
