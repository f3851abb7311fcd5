"""The numbers of the simulated sleeper: transitions from real nights, signals by stage.

Rows and columns are W, Light, Deep, REM; an epoch is 30 seconds."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recordings.schemas import ACTIVE_VERSION, SHIPPED

FEATURES: Final = tuple(feature.name for feature in SHIPPED[ACTIVE_VERSION])
W, LIGHT, DEEP, REM = range(4)
EPOCHS_PER_MINUTE: Final = 2
EPOCHS_PER_HOUR: Final = 120

# A line an hour since sleep onset, the last for all that come after: four rows of four, rounded.
_BY_HOUR = """
0.765 0.234 0.000 0.001  0.032 0.929 0.038 0.001  0.008 0.025 0.967 0.000  0.045 0.015 0.000 0.940
0.642 0.347 0.002 0.009  0.027 0.940 0.019 0.013  0.006 0.037 0.957 0.000  0.010 0.038 0.000 0.951
0.656 0.340 0.002 0.002  0.026 0.943 0.017 0.014  0.009 0.040 0.951 0.000  0.008 0.025 0.000 0.966
0.775 0.212 0.000 0.013  0.020 0.956 0.012 0.012  0.008 0.041 0.950 0.001  0.011 0.028 0.000 0.962
0.748 0.247 0.000 0.005  0.018 0.955 0.011 0.017  0.011 0.050 0.939 0.000  0.010 0.027 0.000 0.963
0.767 0.204 0.000 0.029  0.019 0.958 0.006 0.017  0.017 0.041 0.943 0.000  0.014 0.021 0.000 0.965
0.786 0.196 0.000 0.018  0.021 0.957 0.006 0.016  0.009 0.085 0.906 0.000  0.013 0.020 0.000 0.966
0.841 0.154 0.000 0.006  0.035 0.943 0.006 0.016  0.028 0.067 0.906 0.000  0.015 0.015 0.000 0.970
"""


def _transitions() -> NDArray[np.float64]:
    """(hours, from, to), each row a distribution again."""
    rates = np.array(_BY_HOUR.split(), np.float64).reshape(-1, 4, 4)
    return np.asarray(rates / rates.sum(axis=2, keepdims=True))


TRANSITIONS: Final = _transitions()


@dataclass(frozen=True)
class Rate:
    """A subject's rate at rest, and what the stages W, Light, Deep, REM make of it."""

    base: tuple[float, float]  # mean and spread over subjects
    factor: tuple[float, float, float, float]
    spread: tuple[float, float, float, float]
    memory: float  # correlation of neighbouring epochs
    limits: tuple[float, float]  # what the device takes for a rate
    unrest: float  # of the logarithm of its spread, from epoch to epoch of a stage


HEART: Final = Rate((60, 8), (1.06, 0.98, 0.99, 1.00), (4, 2.5, 1.5, 3.5), 0.9, (30, 220), 0.3)
BREATHING: Final = Rate(
    (14.5, 2), (1.02, 0.95, 0.92, 1.00), (2.2, 1.1, 0.7, 1.7), 0.54, (4, 40), 0.5
)
MOVEMENT: Final = (0.64, 0.16, 0.08, 0.17)
# Of an epoch's unrest: so that 87 of 100 moving epochs are followed by another one.
MOVEMENT_MEMORY: Final = 0.985
# What the spreads of neighbouring epochs have in common beyond their stage.
SPREAD_MEMORY: Final = 0.54
