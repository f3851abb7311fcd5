"""Crops of nights made worse: scaled, noisy, coarse, late, with sensors that hear nothing."""

import numpy as np
from numpy.typing import NDArray

from mlops.training.convolution.design import (
    CLOCK,
    MASKS,
    SENSED_TOGETHER,
    VALUES,
    Augmentation,
)

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


def worsened(columns: Floats, how: Augmentation, chance: np.random.Generator) -> Floats:
    """(batch, epochs, columns) -> the same, of which a net may rely on nothing single."""
    found = columns.copy()
    values, known = found[..., VALUES], found[..., MASKS] > 0
    batch, _, width = values.shape
    values *= np.exp(how.scale * chance.standard_normal((batch, 1, width)))
    values += how.noise * chance.standard_normal(values.shape)
    step = how.coarsest * chance.random((batch, 1, 1)) + 1e-6
    rounded = np.round(values / step) * step
    for crop in known:
        hide_sensors(crop, how.hidden, chance)
        lose_bursts(crop, how, chance)
    found[..., VALUES] = np.where(known, rounded, 0)
    found[..., MASKS] = known
    found[..., CLOCK] *= 1 + how.late * chance.standard_normal((batch, 1, 1))
    return found


def hide_sensors(known: Bools, hidden: float, chance: np.random.Generator) -> None:
    """Of what senses at all in (epochs, used) some are taken away, and never all."""
    there = [group for group in SENSED_TOGETHER if known[:, group].any()]
    gone = [group for group in there if chance.random() < hidden]
    if len(gone) == len(there) and gone:
        del gone[chance.integers(len(gone))]
    for group in gone:
        known[:, group] = False


def lose_bursts(known: Bools, how: Augmentation, chance: np.random.Generator) -> None:
    for _ in range(chance.integers(how.bursts + 1)):
        begin = chance.integers(len(known))
        known[begin : begin + chance.geometric(1 / how.burst)] = False


def senseless(columns: Floats, chance: np.random.Generator) -> Floats:
    """(epochs, columns) of which nothing follows: shuffled in time, or noise where values were."""
    found = columns.copy()
    epochs = len(found)
    if chance.random() < 0.5:
        moved = [*VALUES, *MASKS]
        found[:, moved] = found[chance.permutation(epochs)][:, moved]
        return found
    noise = chance.standard_normal((epochs, len(VALUES))) * np.exp(chance.normal(0, 0.5))
    found[:, VALUES] = np.where(found[:, MASKS] > 0, noise, 0)
    return found
