"""A fleet whose nights are drawn, not staged: devices and nights differ, epochs hang together."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mlops.drift import Nights, Reference, sketch_of

FEATURES = tuple(f"feature_{place}" for place in range(15))
LABELS = ("W", "Light", "Deep", "REM")
STAGES = (0.15, 0.5, 0.15, 0.2)
# Of a variance of 1: what devices differ by, what nights of one device differ by, and the rest.
OF_DEVICE, OF_NIGHT = 0.16, 0.16
AUTOCORRELATION = 0.9
BOUT = 10  # epochs that a stage lasts


@dataclass(frozen=True)
class Fleet:
    """`shift`: of the first feature in the newer nights, in its whole standard deviations."""

    devices: int = 20
    before: int = 28
    after: int = 14
    epochs: int = 120
    shift: float = 0.0


@dataclass(frozen=True)
class Drawn:
    current: Nights
    baseline: Nights
    raw: tuple[NDArray[np.float32], NDArray[np.float32]]  # the first feature's epochs, both sides


def reference() -> Reference:
    tenths = [NormalDist().inv_cdf(tenth / 10) for tenth in range(1, 10)]
    row = {"edges": tenths, "shares": [0.1] * 10, "missing": 0.0}
    row |= {"night_mean": 0.0, "night_spread": (OF_DEVICE + OF_NIGHT) ** 0.5}
    stages = dict(zip(LABELS, STAGES, strict=True))
    told = {"nights": 30, "features": dict.fromkeys(FEATURES, row), "stages": stages}
    return Reference.read(told, FEATURES, LABELS)


def drawn(fleet: Fleet, seed: int) -> Drawn:
    random = np.random.default_rng(seed)
    each = fleet.before + fleet.after
    device = np.repeat(np.arange(fleet.devices), each)
    is_current = np.tile(np.arange(each) >= fleet.before, fleet.devices)
    values = _features(random, device, fleet.epochs)
    values[is_current, :, 0] += fleet.shift
    stages = random.choice(4, (len(device), fleet.epochs // BOUT + 1), p=STAGES)
    stages = np.repeat(stages, BOUT, axis=1)[:, : fleet.epochs]
    confidence = random.normal(0.7, 0.05, (len(device), 1)).astype(np.float32)
    told = reference()
    sketches = [
        sketch_of(told, night, given, np.repeat(sure, fleet.epochs))
        for night, given, sure in zip(values, stages, confidence, strict=True)
    ]
    sides = [
        Nights.of([sketches[at] for at in np.flatnonzero(side)], device[side])
        for side in (is_current, ~is_current)
    ]
    raw = values[is_current, :, 0].ravel(), values[~is_current, :, 0].ravel()
    return Drawn(sides[0], sides[1], raw)


def _features(
    random: np.random.Generator, device: NDArray[np.int64], epochs: int
) -> NDArray[np.float32]:
    """(nights, epochs, features) of variance 1, each epoch much like the one before it."""
    width = len(FEATURES)
    of_device = random.normal(0, OF_DEVICE**0.5, (device.max() + 1, width))[device]
    level = of_device + random.normal(0, OF_NIGHT**0.5, (len(device), width))
    spread = (1 - OF_DEVICE - OF_NIGHT) ** 0.5
    values = np.empty((len(device), epochs, width), np.float32)
    now = random.normal(0, 1, (len(device), width))
    for place in range(epochs):
        fresh = random.normal(0, 1, now.shape)
        now = AUTOCORRELATION * now + (1 - AUTOCORRELATION**2) ** 0.5 * fresh
        values[:, place] = level + spread * now
    return values
