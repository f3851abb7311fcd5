"""EDF+ recordings with an ECG: beats found in it, stages from the annotations of the file."""

import re
from pathlib import Path

import edfio
import numpy as np
from numpy.typing import NDArray

from mlops.sources.beats import Beats, beat_columns
from mlops.sources.faults import SourceUnfit
from mlops.sources.nights import Codes, Doubles, SourceNight
from recordings.grid import EPOCH_S, MAX_EPOCHS
from recordings.stages import UNSCORED, code_of

SUFFIX = ".edf"
ECG = re.compile(r"\b(ecg|ekg)", re.IGNORECASE)
STAGE = re.compile(r"(?:sleep stage\s+)?(\S+)", re.IGNORECASE)
FEWEST_HZ = 50
# A heart's upstroke: sharper than its other waves, slower than the muscles' noise.
SMOOTHED_S, REFRACTORY_S, AROUND_S = 0.08, 0.28, 10.0


def read(path: Path) -> list[SourceNight]:
    """The subject is the patient's code; a recording without one cannot be kept apart."""
    try:
        file = edfio.read_edf(path)
        subject = file.patient.code
    except (OSError, ValueError, AttributeError) as error:
        raise SourceUnfit(f"{path.name} is no EDF file: {error}") from None
    if subject in ("", "X"):
        raise SourceUnfit(f"{path.name} names no patient code.")
    signals = [signal for signal in file.signals if ECG.search(signal.label)]
    if not signals or signals[0].sampling_frequency < FEWEST_HZ:
        raise SourceUnfit(f"{path.name} has no ECG of {FEWEST_HZ} Hz or more.")
    codes = _codes(path, file)
    at = beats_in(signals[0].data, signals[0].sampling_frequency)
    beats = Beats.of(at[1:], np.diff(at), np.ones(max(len(at) - 1, 0), np.bool_))
    return [SourceNight("edf", path.stem, subject, beat_columns(beats, len(codes)), codes)]


def _codes(path: Path, file: edfio.Edf) -> Codes:
    """Annotations that name a stage, each for as long as it lasts."""
    epochs = min(int(file.duration // EPOCH_S), MAX_EPOCHS)
    codes: Codes = np.full(epochs, UNSCORED, np.int8)
    for note in file.annotations:
        found = STAGE.fullmatch(note.text.strip())
        code = None if found is None else code_of(found[1])
        if code is None:
            continue
        first = round(note.onset / EPOCH_S)
        count = max(round((note.duration or EPOCH_S) / EPOCH_S), 1)
        codes[max(first, 0) : max(first + count, 0)] = code
    if not (codes != UNSCORED).any():
        raise SourceUnfit(f"{path.name} has no annotation that names a stage.")
    return codes


def beats_in(signal: NDArray[np.floating], hertz: float) -> Doubles:
    """(samples,) -> (beats,) seconds: where the slope's power peaks above what is around."""
    slope = np.diff(np.asarray(signal, np.float64), prepend=float(signal[0])) ** 2
    power = _smoothed(slope, int(SMOOTHED_S * hertz))
    level = _smoothed(power, int(AROUND_S * hertz))
    reach = max(int(REFRACTORY_S * hertz), 1)
    found: list[int] = []
    for place in np.flatnonzero(_is_peak(power) & (power > 2 * level)).tolist():
        if found and place - found[-1] < reach:
            if power[place] > power[found[-1]]:
                found[-1] = place
        else:
            found.append(place)
    return np.array(found, np.float64) / hertz


def _smoothed(values: Doubles, samples: int) -> Doubles:
    """The mean over so many samples around each, by one running sum."""
    samples = max(samples, 1)
    padded = np.pad(values, (samples // 2 + 1, samples - samples // 2 - 1), mode="edge")
    sums = np.cumsum(padded)
    return np.asarray((sums[samples:] - sums[:-samples]) / samples)


def _is_peak(values: Doubles) -> NDArray[np.bool_]:
    before = np.concatenate([[-np.inf], values[:-1]])
    after = np.concatenate([values[1:], [-np.inf]])
    return np.asarray((values >= before) & (values > after))
