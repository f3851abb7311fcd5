"""Whole simulated nights: the device's features, and the true stages that no device knows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops.simulator import device, signals
from mlops.simulator.draws import Draws, Seed, draw
from mlops.simulator.hypnogram import hypnograms
from mlops.simulator.tables import FEATURES

# So many at once that a loop over epochs is cheap for each, and few enough for the memory.
TOGETHER = 64


@dataclass(frozen=True)
class SimulatedNight:
    features: NDArray[np.float32]  # (epochs, 15), NaN for a gap
    stages: NDArray[np.int8]  # (epochs,), of W, Light, Deep, REM


def simulate(seeds: Sequence[Seed]) -> Iterator[SimulatedNight]:
    """A night for each seed, the same whenever and beside whichever others it is made."""
    for start in range(0, len(seeds), TOGETHER):
        draws = draw(seeds[start : start + TOGETHER])
        stages = hypnograms(draws)
        for night, length in enumerate(draws.lengths):
            yield _night(draws, night, stages[night, :length])


def _night(draws: Draws, night: int, stages: NDArray[np.int8]) -> SimulatedNight:
    who = signals.sleeper(draws, night, stages)
    seen = signals.heart(who) | signals.breathing(who) | signals.movements(who)
    device.misread(who, seen)
    device.leave_bed(seen, device.absences(who))
    radar_lost, all_lost = device.dropouts(who)
    device.lose_radar(seen, radar_lost)
    device.differences(seen)
    device.flags(who, seen, radar_lost)
    features = np.stack([seen[name] for name in FEATURES], axis=1).astype(np.float32)
    features[all_lost] = np.nan
    return SimulatedNight(features, stages)
