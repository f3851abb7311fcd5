"""Nights that no sleeper made: noise of several kinds, in the device's features."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from recordings.schemas import ACTIVE_VERSION, SHIPPED

SCHEMA = SHIPPED[ACTIVE_VERSION]
NAMES = tuple(feature.name for feature in SCHEMA)
LOW = np.array([feature.minimum for feature in SCHEMA])
HIGH = np.array([feature.maximum for feature in SCHEMA])
# What a sleeper's night has in the middle, and how far around.
USUAL: Mapping[str, tuple[float, float]] = {
    "in_bed_pct": (98, 3),
    "hr_mean": (62, 6),
    "hr_std": (3, 1),
    "rr_mean": (14.5, 2),
    "rr_std": (1.5, 0.6),
    "vib_move_pct": (5, 8),
    "large_move_pct": (3, 6),
}
Floats = NDArray[np.float32]
Make = Callable[[int, np.random.Generator], Floats]


def uniform(count: int, chance: np.random.Generator) -> Floats:
    """All over the range of each feature."""
    return chance.uniform(LOW, HIGH, (count, len(NAMES))).astype(np.float32)


def gaussian(count: int, chance: np.random.Generator) -> Floats:
    """Where a sleeper's numbers are, without a memory."""
    return _usual(chance.standard_normal((count, len(NAMES))))


def smooth_and_wide(count: int, chance: np.random.Generator) -> Floats:
    """With a memory, but all over the range."""
    noise = _remembered(chance.standard_normal((count, len(NAMES))))
    return np.clip((LOW + HIGH) / 2 + (HIGH - LOW) / 4 * noise, LOW, HIGH).astype(np.float32)


def smooth_and_usual(count: int, chance: np.random.Generator) -> Floats:
    """With a memory, and where a sleeper's numbers are."""
    return _usual(_remembered(chance.standard_normal((count, len(NAMES)))))


def stuck(count: int, chance: np.random.Generator) -> Floats:
    """The same epoch all night."""
    return np.repeat(gaussian(1, chance), count, axis=0)


# What is found out.
KINDS: Mapping[str, Make] = {
    "uniform": uniform,
    "gaussian": gaussian,
    "smooth and wide": smooth_and_wide,
    "stuck": stuck,
}


def only(features: Floats, *names: str) -> Floats:
    """Gaps in all the other features."""
    return np.where(np.isin(NAMES, names), features, np.nan).astype(np.float32)


def without(features: Floats, *names: str) -> Floats:
    return np.where(np.isin(NAMES, names), np.nan, features).astype(np.float32)


def _usual(noise: NDArray[np.float64]) -> Floats:
    middle, around = np.array([USUAL.get(name, (0.0, 1.0)) for name in NAMES]).T
    return np.clip(middle + around * noise, LOW, HIGH).astype(np.float32)


def _remembered(noise: NDArray[np.float64], memory: float = 0.9) -> NDArray[np.float64]:
    for epoch in range(1, len(noise)):
        noise[epoch] = memory * noise[epoch - 1] + np.sqrt(1 - memory**2) * noise[epoch]
    return noise
