"""A net's weights as arrays by name, drawn from a seed; what each is for, its shape says."""

import numpy as np
from numpy.typing import NDArray

from mlops.training.convolution.design import LABELS, USED, Design

Weights = dict[str, NDArray[np.float32]]
# Each value, its mask; and the clock.
INPUTS = 2 * len(USED) + 1


def drawn(design: Design, seed: int) -> Weights:
    """Fresh ones: as far from 0 as keeps the signal's size through a layer."""
    chance = np.random.default_rng(seed)
    width = design.channels

    def matrix(rows: int, columns: int, gain: float = 1.0) -> NDArray[np.float32]:
        drawn_at_random = chance.standard_normal((rows, columns)) * gain / np.sqrt(rows)
        return np.asarray(drawn_at_random, np.float32)

    def vector(value: float, length: int) -> NDArray[np.float32]:
        return np.full(length, value, np.float32)

    found = {"stem": matrix(INPUTS, width), "stem_bias": vector(0, width)}
    for layer in range(len(design.dilations)):
        found |= {
            f"scale{layer}": vector(1, width),
            f"shift{layer}": vector(0, width),
            f"along{layer}": matrix(design.taps * width, width),
            f"along_bias{layer}": vector(0, width),
            f"mix{layer}": matrix(width, width, gain=0.5),
            f"mix_bias{layer}": vector(0, width),
        }
    return found | {
        "out": matrix(width, len(LABELS)),
        "out_bias": vector(0, len(LABELS)),
    }


def count(weights: Weights) -> int:
    return sum(array.size for array in weights.values())
