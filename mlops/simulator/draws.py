"""Everything that chance decides of a night, drawn at once from that night's own seed.

A night is the same whichever others are made beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops.simulator.tables import (
    BREATHING,
    EPOCHS_PER_MINUTE,
    HEART,
    MOVEMENT_MEMORY,
    SPREAD_MEMORY,
)

Seed = tuple[int, ...]
LONGEST = 10 * 60 * EPOCHS_PER_MINUTE
SHORTEST = 5 * 60 * EPOCHS_PER_MINUTE
# Slow unrest of epochs, each with the correlation of neighbours: what the signals are made from.
WAVES = {
    "heart": HEART.memory,
    "heart_spread": SPREAD_MEMORY,
    "breathing": BREATHING.memory,
    "breathing_spread": SPREAD_MEMORY,
    "movement": MOVEMENT_MEMORY,
    "quality": 0.9,
    "dropout": 0.9,
    "heart_error": 0.6,
    "breathing_error": 0.6,
}
TRAITS = (
    "length",
    "latency",
    "wake",
    "deep",
    "heart",
    "heart_spread",
    "breathing",
    "breathing_spread",
    "movement",
)


@dataclass(frozen=True)
class Draws:
    """Of several nights: `traits` of a whole night and `waves` of its epochs are standard normal,
    `steps` and `chances` are uniform."""

    traits: dict[str, NDArray[np.float64]]  # (nights,) each
    steps: NDArray[np.float64]  # (nights, epochs)
    waves: dict[str, NDArray[np.float64]]  # (nights, epochs) each
    chances: NDArray[np.float64]  # (nights, 12)
    rest: tuple[np.random.Generator, ...]  # for what only some epochs need

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Epochs in bed, (nights,)."""
        minutes = 480 + 68 * self.traits["length"]
        return np.clip((minutes * EPOCHS_PER_MINUTE).astype(np.int64), SHORTEST, LONGEST)

    @property
    def latencies(self) -> NDArray[np.int64]:
        """Epochs until sleep, (nights,): half of the nights within 11 minutes."""
        minutes = 11 * np.exp(0.78 * self.traits["latency"])
        return np.clip(np.round(minutes * EPOCHS_PER_MINUTE), 1, 180).astype(np.int64)


def draw(seeds: Sequence[Seed]) -> Draws:
    sources = tuple(np.random.default_rng(seed) for seed in seeds)
    traits = np.stack([source.standard_normal(len(TRAITS)) for source in sources])
    steps = np.stack([source.random(LONGEST) for source in sources])
    noise = np.stack([source.standard_normal((LONGEST, len(WAVES))) for source in sources])
    chances = np.stack([source.random(12) for source in sources])
    remembered(noise, np.array(list(WAVES.values())))
    return Draws(
        traits={name: traits[:, i] for i, name in enumerate(TRAITS)},
        steps=steps,
        waves={name: noise[:, :, i] for i, name in enumerate(WAVES)},
        chances=chances,
        rest=sources,
    )


def remembered(noise: NDArray[np.float64], memory: NDArray[np.float64]) -> None:
    """Make white noise (nights, epochs, waves) autocorrelated, in place; its variance stays 1."""
    fresh = np.sqrt(1 - memory**2)
    for epoch in range(1, noise.shape[1]):
        noise[:, epoch] = memory * noise[:, epoch - 1] + fresh * noise[:, epoch]
