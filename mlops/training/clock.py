"""The null model: it knows how late it is and nothing else. Whatever is any good beats it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inference.engine import Clock, Columns, Model, RobustNight, Window
from mlops.training import decoder
from mlops.training.nights import LabelledNight

EPOCHS_PER_BIN = 20
HOURS = 10
BINS = HOURS * 120 // EPOCHS_PER_BIN


def train(
    labels: tuple[str, ...],
    features: tuple[str, ...],
    evidence: tuple[str, ...],
    fitting: Sequence[LabelledNight],
    tuning: Sequence[LabelledNight],
) -> Model:
    """How often each stage is in every ten minutes, and how stages follow each other."""
    stages, count = [night.stages for night in fitting], len(labels)
    model = Model(
        labels=labels,
        features=features,
        evidence=evidence,
        window=Window(before=0, after=0, minimum_known=1),
        normalisation=RobustNight(),
        columns=Columns(),
        head=Clock(np.log(_shares(stages, count)).astype(np.float32), EPOCHS_PER_BIN),
        history=EPOCHS_PER_BIN,
    )
    return decoder.tuned(model, decoder.shares(stages, count), fitting, tuning)


def _shares(stages: Sequence[NDArray[np.int8]], count: int) -> NDArray[np.float64]:
    """(bins, labels), each row a distribution; a bin with few epochs leans on all of them."""
    counts = np.tile(decoder.shares(stages, count) * EPOCHS_PER_BIN, (BINS, 1))
    for night in stages:
        bins = np.minimum(np.arange(len(night)) // EPOCHS_PER_BIN, BINS - 1)
        known = night >= 0
        np.add.at(counts, (bins[known], night[known]), 1)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))
