"""All of a convolution net that is decided before it sees a night."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inference.engine import Columns, Pass, Window
from mlops.sources import COLUMNS
from mlops.training import contextual
from recordings.stages import SHOWN

# The linear model whose logits are added to the nets'; both see a night as it does.
LINEAR = contextual.Design()
USED = contextual.SEEN
# What goes missing together, as places in USED: the rate, its spread, breathing, movement.
SENSED_TOGETHER = ((0, 2), (1,), (3, 4), (5,))
STEPS = ("features", "known_each", "elapsed")
FEWEST_KNOWN = 21
NORMALISATION = LINEAR.normalisation
LABELS = SHOWN


@dataclass(frozen=True)
class Augmentation:
    """What is done to a crop so that a net relies on no sensor and no exact value."""

    scale: float = 0.15  # of a column of a crop, as a logarithm's deviation
    noise: float = 0.1  # of each value
    coarsest: float = 0.25  # the widest step that values are rounded to
    hidden: float = 0.3  # chance that a sensor is not there at all
    bursts: int = 3  # at most so many runs of epochs are lost
    burst: int = 8  # and so long is one, in the mean
    late: float = 0.05  # deviation of the clock, as a share
    senseless: float = 0.08  # share of crops in which nothing belongs together


@dataclass(frozen=True)
class Design:
    channels: int = 32
    taps: int = 5
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    is_causal: bool = False
    history: int = 0
    # How much the linear model counts beside the nets; its context looks ahead.
    linear_counts: float = 1.0
    # Fitting.
    members: int = 3
    steps: int = 240
    batch: int = 12
    crop: int = 480
    rate: float = 4e-3
    decay: float = 1e-2
    dropout: float = 0.2
    smoothing: float = 0.1
    balance: float = 0.5
    averaged: float = 0.98
    augmentation: Augmentation = Augmentation()
    seed: int = 1

    @property
    def sees(self) -> int:
        """How many epochs the net reaches over, itself left out."""
        return (self.taps - 1) * sum(self.dilations)

    @property
    def window(self) -> Window:
        before = self.sees if self.is_causal else self.sees // 2
        return Window(before, self.sees - before, FEWEST_KNOWN)

    @property
    def padding(self) -> list[tuple[int, int]]:
        """By layer: epochs that are added before and after, so that a layer keeps the length."""
        spans = [(self.taps - 1) * dilation for dilation in self.dilations]
        return [(span, 0) if self.is_causal else (span // 2, span - span // 2) for span in spans]


# A live net sees less far back, so that staging what came lately costs little.
LIVE = Design(is_causal=True, taps=3, history=114, linear_counts=0)
DESIGNS: dict[Pass, Design] = {"night": Design(), "live": LIVE}
# What the net is fitted on; and what the engine shows, each column at one of two places, for
# nights that know of movement come from elsewhere than those that do not: weights of the linear
# model and the decoder's prior of one kind are not the other's.
PLAIN = Columns(STEPS, places=tuple(COLUMNS.index(name) for name in USED))
SEEN = LINEAR.columns
_NAMES = PLAIN.names(COLUMNS)
_SEEN_ONCE = replace(SEEN, apart_by=None).names(COLUMNS)
WIDTH = len(_SEEN_ONCE)
# Where among those that are shown the net's own stand.
OWN: NDArray[np.int64] = np.array([_SEEN_ONCE.index(name) for name in _NAMES])
# Where in the plain columns the values, their masks and the clock stand.
VALUES: NDArray[np.int64] = np.array([_NAMES.index(name) for name in USED])
MASKS: NDArray[np.int64] = np.array([_NAMES.index(f"{name}_known") for name in USED])
CLOCK: NDArray[np.int64] = np.array([_NAMES.index("elapsed")])
