"""A staged night as a file: CSV, a row an epoch, or EDF+ annotations. Pure: values in, text out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import edfio
import numpy as np
from numpy.typing import NDArray

from recordings import grid, streams
from recordings.stages import SHOWN, UNSCORED

COLUMNS = (
    "recording_id",
    "subject",
    "epoch_index",
    "start_utc",
    "start_local",
    "timezone",
    "stage",
    "confidence",
    "model_version",
    "is_experimental",
    "disposition",
)
# As edfplus.info/specs/edftexts.html spells stages; it has no word for N1 and N2 together.
EDF_TEXTS = {"W": "W", "Light": "N1+N2", "Deep": "N3", "REM": "R"}
EDF_UNKNOWN = "?"
IMPLAUSIBLE = "implausible"
# Beside "Startdate 01-MAR-2026 X X " in a header field of 80; EDFlib misreads a full one.
EDF_WORDS = 78 - 26


@dataclass(frozen=True)
class Sheet:
    """One night, from its recording's first epoch to its end; a gap is a stage of -1."""

    recording_id: str
    subject: str
    started_at: datetime
    timezone: str
    model_version: str
    is_experimental: bool
    disposition: str
    stages: NDArray[np.int8]  # (epochs,) places in recordings.stages.SHOWN
    confidences: NDArray[np.float32]  # (epochs,), NaN for a gap

    @property
    def name(self) -> str:
        """Of a file, without its ending: the local evening and the night's id."""
        return f"hypnogram-{grid.night_of(self.started_at, self.timezone)}-{self.recording_id}"


def csv(sheet: Sheet) -> str:
    """Tidy: a header and a row an epoch, gaps with an empty stage; local time has its offset."""
    start, zone = sheet.started_at.astimezone(UTC), ZoneInfo(sheet.timezone)
    starts = [grid.epoch_start(start, index) for index in range(len(sheet.stages))]
    confidences = streams.shortest(sheet.confidences).tolist()
    rows = zip(starts, sheet.stages.tolist(), confidences, strict=True)
    lines = [
        streams.csv_row(
            (
                sheet.recording_id,
                sheet.subject,
                index,
                at,
                at.astimezone(zone).isoformat(),
                sheet.timezone,
                "" if stage == UNSCORED else SHOWN[stage],
                "" if stage == UNSCORED else confidence,
                sheet.model_version,
                str(sheet.is_experimental).lower(),
                sheet.disposition,
            )
        )
        for index, (at, stage, confidence) in enumerate(rows)
    ]
    return streams.csv_row(COLUMNS) + "".join(lines)


def edf(sheet: Sheet) -> bytes:
    """EDF+ with annotations alone, each run of a stage one of them.

    The header's clock is the sleeper's, as the standard asks; onsets are seconds that passed, so a
    night in which the clocks change is as long as it was."""
    local = sheet.started_at.astimezone(ZoneInfo(sheet.timezone))
    # Readers disagree on fractions of the start, and none does on those of an onset.
    fraction_s = timedelta(microseconds=local.microsecond).total_seconds()
    experimental = ("experimental",) if sheet.is_experimental else ()
    implausible = (sheet.disposition,) if sheet.disposition == IMPLAUSIBLE else ()
    words = (*experimental, *implausible)
    room = EDF_WORDS - sum(1 + len(word) for word in words)
    file = edfio.Edf(
        signals=[],
        patient=edfio.Patient(code=sheet.subject or "X"),
        recording=edfio.Recording(
            startdate=local.date(),
            equipment_code=f"noctis:{sheet.model_version}"[:room],
            additional=words,
        ),
        starttime=local.time().replace(microsecond=0),
        annotations=[
            edfio.EdfAnnotation(
                first * grid.EPOCH_S + fraction_s, count * grid.EPOCH_S, edf_text(stage)
            )
            # A file without any annotation is none.
            for first, count, stage in [*runs(sheet.stages)] or [(0, 0, UNSCORED)]
        ],
    )
    return file.to_bytes()


def edf_text(stage: int) -> str:
    word = EDF_UNKNOWN if stage == UNSCORED else EDF_TEXTS[SHOWN[stage]]
    return f"Sleep stage {word}"


def runs(night: NDArray[np.int8]) -> Iterator[tuple[int, int, int]]:
    """(epochs,) -> where each run of one stage begins, how long it is, and the stage."""
    if not len(night):
        return
    firsts = np.flatnonzero(np.diff(night, prepend=night[0] - 1))
    counts = np.diff(firsts, append=len(night))
    yield from zip(firsts.tolist(), counts.tolist(), night[firsts].tolist(), strict=True)
