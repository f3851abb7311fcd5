"""Made-up recordings in the formats of others, written to folders: no person's data in them."""

from pathlib import Path

import numpy as np

from mlops.simulator.nights import simulate
from mlops.sources import COLUMNS

# W, N1, N2, N3, REM for the simulator's W, Light, Deep, REM.
CODES = np.array([0, 2, 3, 4], np.int8)


def write_walch(
    folder: Path, subjects: int, epochs: int = 300, seed: int = 3, name: str = "wrist"
) -> Path:
    """A wrist's nights: moving when awake, an unsteady heart in REM and awake."""
    folder.mkdir(parents=True, exist_ok=True)
    nights = simulate([(seed, place) for place in range(subjects)])
    for place, night in enumerate(nights):
        stages = night.stages[:epochs]
        random = np.random.default_rng((seed, place))
        awake = stages == 0
        counts = np.where(random.random(len(stages)) < 0.1 + 0.7 * awake, 40.0, 0.0)
        unsteady = np.array([0.6, 0.3, 0.1, 0.5])[stages] * np.exp(
            0.3 * random.standard_normal(len(stages))
        )
        np.savez(
            folder / f"{name}{place}.npz",
            activity_count=counts.astype(np.float32),
            hr_variability=unsteady.astype(np.float32),
            stage=CODES[stages],
            subject=np.array(f"{name}{place}"),
        )
    return folder


def write_slpdb(folder: Path, subjects: int, epochs: int = 200, seed: int = 5) -> Path:
    """Hearts that sway with the breath, faster when awake, most steadily in deep sleep."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, night in enumerate(simulate([(seed, place) for place in range(subjects)])):
        stages = night.stages[:epochs]
        at, interval = beats_of(stages, np.random.default_rng((seed, place)))
        np.savez(
            folder / f"ecg{place}.npz",
            beat_time_s=at.astype(np.float32),
            rr_interval_s=interval.astype(np.float32),
            beat_normal=np.ones(len(at), np.bool_),
            stage=CODES[stages],
            apnea_events=np.zeros(len(stages), np.int8),
            subject=np.array(f"ecg{place}"),
            age=np.array(40),
        )
    return folder


def beats_of(stages: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    at, times, intervals = 0.0, [], []
    while at < 30 * len(stages) - 2:
        stage = int(stages[int(at // 30)])
        sway = (0.02, 0.04, 0.08, 0.03)[stage] * np.sin(2 * np.pi * 0.25 * at)
        length = (0.85, 1.0, 1.05, 0.95)[stage] + sway + 0.02 * random.standard_normal()
        at += length
        times.append(at)
        intervals.append(length)
    return np.array(times), np.array(intervals)


def known(features: np.ndarray) -> set[str]:
    """The features that any epoch has."""
    return {name for place, name in enumerate(COLUMNS) if np.isfinite(features[:, place]).any()}
