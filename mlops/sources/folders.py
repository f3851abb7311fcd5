"""A folder of one format's files as nights, in the order of their names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from mlops.sources import edf, sheets, slpdb, walch
from mlops.sources.faults import SourceUnfit
from mlops.sources.nights import SourceNight


@dataclass(frozen=True)
class Format:
    suffix: str
    read: Callable[[Path], list[SourceNight]]


def _format(module: ModuleType | Any) -> Format:
    return Format(module.SUFFIX, module.read)


FORMATS: Mapping[str, Format] = {
    "slpdb": _format(slpdb),
    "walch": _format(walch),
    "csv": _format(sheets),
    "edf": _format(edf),
}


def read_folder(format_: str, folder: Path) -> list[SourceNight]:
    """Every night of a folder, or a refusal of all of it; others' files are no part of it."""
    known = FORMATS[format_]
    if not folder.is_dir():
        raise SourceUnfit(f"{folder} is no folder.")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == known.suffix)
    if not files:
        raise SourceUnfit(f"{folder} holds no file that ends in {known.suffix}.")
    return [night for path in files for night in known.read(path)]
