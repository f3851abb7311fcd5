"""How good the signal was, epoch by epoch, as the device's own numbers say. Pure.

Features by name, so that a schema without one of them is judged by the others.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

# Places; -1 is an epoch that never came, or is no longer kept.
QUALITIES = ("good", "weak", "away", "bad")
GOOD, WEAK, AWAY, BAD = range(len(QUALITIES))
ABSENT = -1
MEANINGS = {
    "good": "heart rate and respiration measured",
    "weak": "one of them missing, or made of few samples",
    "away": "out of bed for most of the epoch",
    "bad": "in bed, and neither of them measured",
}
HALF = 50
# Bits 2 and 3 of `agree_flags`: few samples of the radar, few of the heart.
FEW_SAMPLES = 0b1100

VITALS = ("hr_mean", "rr_mean")


def qualities(
    columns: Mapping[str, NDArray[np.float64]], is_there: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """(epochs,) each -> places in QUALITIES, -1 where the epoch is not there."""
    count = len(is_there)
    measured = [~np.isnan(columns[name]) for name in VITALS if name in columns]
    every = np.logical_and.reduce([np.ones(count, bool), *measured])
    some = np.logical_or.reduce([np.zeros(count, bool), *measured])
    flags = np.nan_to_num(columns.get("agree_flags", np.zeros(count))).astype(np.int64)
    few = (flags & FEW_SAMPLES) > 0
    is_away = columns.get("in_bed_pct", np.full(count, np.nan)) < HALF
    found = np.where(every & ~few, GOOD, np.where(some, WEAK, BAD))
    found = np.where(is_away, AWAY, found)
    return np.where(is_there, found, ABSENT).astype(np.int64)
