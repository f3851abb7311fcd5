"""CSV files with a line an epoch, as docs/import-csv.md has them; `subject` and `stage` needed."""

from pathlib import Path

import numpy as np

from mlops.sources.faults import SourceUnfit
from mlops.sources.nights import COLUMNS, SCHEMA, Codes, Floats, SourceNight
from recordings.sheets import STAGE, SUBJECT, Sheet, SheetNight

SUFFIX = ".csv"
NAMED = 5


def read(path: Path) -> list[SourceNight]:
    sheet = Sheet(SCHEMA)
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            sheet.read(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise SourceUnfit(f"{path.name} cannot be read: {error}") from None
    if sheet.problems:
        found = "; ".join(
            f"{problem.pointer}: {problem.detail}" for problem in sheet.problems[:NAMED]
        )
        raise SourceUnfit(f"{path.name}: {found}.")
    if not {STAGE, SUBJECT} <= set(sheet.columns):
        raise SourceUnfit(f"{path.name}: both columns {STAGE} and {SUBJECT} are needed.")
    nights = list(sheet.nights.values())
    if not all(night.subject for night in nights):
        raise SourceUnfit(f"{path.name}: a night without a subject cannot be kept apart.")
    return [_night(path, night) for night in nights]


def _night(path: Path, night: SheetNight) -> SourceNight:
    codes: Codes = np.array(night.scored, np.int8)
    features: Floats = np.full((len(codes), len(COLUMNS)), np.nan, np.float32)
    features[list(night.lines)] = night.matrix(SCHEMA)
    name = f"{path.stem}-{night.started_at:%Y%m%dT%H%M%S}"
    return SourceNight("csv", name, night.subject, features, codes)
