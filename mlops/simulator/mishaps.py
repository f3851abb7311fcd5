"""What goes wrong over weeks: nights away, hours lost, a sensor that drifts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mlops.simulator.tables import FEATURES

Floats = NDArray[np.float32]
# A device that was moved away from the bed: weaker echoes read as a restless heart, and hear
# less of what moves. Reached within a week, by equal steps.
DRIFTED: Mapping[str, float] = {
    "hr_std": 2.5,
    "rr_std": 2.0,
    "vib_resp_q": 0.5,
    "large_move_pct": 0.4,
    "minor_move_pct": 0.4,
    "vib_move_pct": 0.4,
}
DRIFTS_WITHIN = 7


@dataclass(frozen=True)
class Mishaps:
    """By the night's place among those of its device, from 0."""

    away: frozenset[int] = frozenset()  # nights that the device was off
    lost: Mapping[int, slice] = field(default_factory=dict)  # epochs that never came, by night
    drifts_from: int | None = None

    def happen_to(self, features: Floats, night: int) -> Floats:
        """(epochs, features) of a night -> what is left of them; never changed in place."""
        left = features.copy()
        if self.drifts_from is not None and night >= self.drifts_from:
            left = drifted(left, min((night - self.drifts_from + 1) / DRIFTS_WITHIN, 1.0))
        if night in self.lost:
            left[self.lost[night]] = np.nan
        return left


def drifted(features: Floats, share: float) -> Floats:
    """(epochs, features), share of the way from 0 to 1 -> what the sensor makes of it by then."""
    factors = [1 + share * (DRIFTED.get(name, 1.0) - 1) for name in FEATURES]
    return features * np.array(factors, np.float32)
