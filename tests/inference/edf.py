"""EDF+ as another library reads it: EDFlib, by the author of the format's best known viewer."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from EDFlib.edfreader import EDFreader


@dataclass(frozen=True)
class Edf:
    """Onsets and durations are in seconds; the start is by the sleeper's clock, without a zone."""

    started_at: datetime
    patient: str
    equipment: str
    additional: str
    signals: int
    onsets: list[float]
    durations: list[float]
    texts: list[str]


def read(path: Path) -> Edf:
    file = EDFreader(str(path))
    assert file.getFileType() == EDFreader.EDFLIB_FILETYPE_EDFPLUS
    a_second = EDFreader.EDFLIB_TIME_DIMENSION
    found = Edf(
        started_at=file.getStartDateTime(),
        patient=file.getPatientCode(),
        equipment=file.getEquipment(),
        additional=file.getRecordingAdditional().rstrip(),
        signals=file.getNumSignals(),
        onsets=[line.onset / a_second for line in file.annotationslist],
        durations=[line.duration / a_second for line in file.annotationslist],
        texts=[line.description for line in file.annotationslist],
    )
    file.close()
    return found
