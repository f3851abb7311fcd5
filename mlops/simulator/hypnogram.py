"""The true stages of simulated nights: a Markov chain by the hour, with REM held to its cycle."""

import numpy as np
from numpy.typing import NDArray

from mlops.simulator.draws import LONGEST, Draws
from mlops.simulator.tables import (
    DEEP,
    EPOCHS_PER_HOUR,
    EPOCHS_PER_MINUTE,
    LIGHT,
    REM,
    TRANSITIONS,
    W,
)

# How much easier Light turns to REM, by the minutes since the last REM period began. Within its
# first 40 a period that was broken goes on: without that nights have 15 % REM, not 24 %.
GATE_FROM_MINUTE = np.array([0, 40, 75, 115])
GATE = np.array([1.0, 0.05, 3.5, 1.5])
CYCLE = 75 * EPOCHS_PER_MINUTE


def hypnograms(draws: Draws) -> NDArray[np.int8]:
    """(nights, epochs), longer than each night is: cut them at `draws.lengths`."""
    onset = draws.latencies
    stages = np.full(draws.steps.shape, W, np.int8)
    since_rem = np.zeros(len(onset))  # or since sleep onset, in epochs
    for epoch in range(int(onset.min()), LONGEST):
        asleep_for = epoch - onset
        before = stages[:, epoch - 1]
        rates = _rates(before, asleep_for, since_rem, draws)
        reached = np.cumsum(rates, axis=1)
        draw = draws.steps[:, epoch] * reached[:, -1]
        moved = (draw[:, None] >= reached[:, :-1]).sum(axis=1)
        now = np.select([asleep_for < 0, asleep_for == 0], [W, LIGHT], moved)
        begins = (now == REM) & (before != REM) & (since_rem >= CYCLE)
        since_rem = np.where(begins | (asleep_for <= 0), 0, since_rem + 1)
        stages[:, epoch] = now
    return stages


def _rates(
    stage: NDArray[np.int8],
    asleep_for: NDArray[np.int64],
    since_rem: NDArray[np.float64],
    draws: Draws,
) -> NDArray[np.float64]:
    """(nights, stages): how likely each stage is next, not yet summing to one."""
    hour = np.clip(asleep_for // EPOCHS_PER_HOUR, 0, len(TRANSITIONS) - 1)
    rates = TRANSITIONS[hour, stage]
    rates[:, W] *= np.where(stage == W, 1, np.exp(0.45 * draws.traits["wake"]))
    rates[:, DEEP] *= np.where(stage == LIGHT, np.exp(0.35 * draws.traits["deep"]), 1)
    passed = np.searchsorted(GATE_FROM_MINUTE, since_rem / EPOCHS_PER_MINUTE, side="right")
    rates[:, REM] *= np.where(stage == LIGHT, GATE[passed - 1], 1)
    return rates
