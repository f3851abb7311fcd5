"""What a decoder knows of stages before it sees a night: how they begin, how they follow."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inference.engine import Chain, Model
from mlops.training import judging
from mlops.training.nights import LabelledNight

Doubles = NDArray[np.float64]
# Added to every count, so that what was not seen is unlikely, not impossible.
SMOOTHING = 1.0
PRIOR_POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)


def chain(nights: Sequence[NDArray[np.integer]], count: int, prior: Doubles | None) -> Chain:
    """From true stages (epochs,) of nights, below `count`; less than 0 is unknown."""
    return Chain(transitions(nights, count), beginnings(nights, count), prior)


def transitions(nights: Sequence[NDArray[np.integer]], count: int) -> Doubles:
    """(from, to), within nights and never over a gap; each row a distribution."""
    counts = np.full((count, count), SMOOTHING)
    for stages in nights:
        before, after = stages[:-1], stages[1:]
        known = (before >= 0) & (after >= 0)
        np.add.at(counts, (before[known], after[known]), 1)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def beginnings(nights: Sequence[NDArray[np.integer]], count: int) -> Doubles:
    counts = np.full(count, SMOOTHING)
    for stages in nights:
        if len(stages) and stages[0] >= 0:
            counts[stages[0]] += 1
    return np.asarray(counts / counts.sum())


def shares(nights: Sequence[NDArray[np.integer]], count: int) -> Doubles:
    """How often each stage is, over all the nights."""
    known = np.concatenate([stages[stages >= 0] for stages in nights])
    counts = np.bincount(known, minlength=count) + SMOOTHING
    return np.asarray(counts / counts.sum())


def tuned(
    model: Model,
    prior: Doubles,
    fitting: Sequence[LabelledNight],
    tuning: Sequence[LabelledNight],
) -> Model:
    """How much of the prior is divided out is what agrees best on nights that fitted nothing."""
    stages, count = [night.stages for night in fitting], len(model.labels)
    candidates = [
        replace(model, decoder=chain(stages, count, softened(prior, power)))
        for power in PRIOR_POWERS
    ]
    return max(candidates, key=lambda candidate: judging.judge(candidate, tuning, "night").kappa)


def softened(prior: Doubles, power: float) -> Doubles:
    """Dividing it out changes nothing at power 0 and all at 1."""
    return np.asarray(prior**power / np.sum(prior**power))
