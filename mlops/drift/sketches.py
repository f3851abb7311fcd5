"""A night in a few hundred numbers, taken when it is staged: all that drift ever looks at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops.drift.reference import BINS, Floats, Reference

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Sketch:
    """Epochs by bin of the reference, with their moments; a gap is counted and nothing else."""

    epochs: int
    counts: Counts  # (features, BINS)
    total: Floats  # (features,) sum of what is known
    squares: Floats  # (features,) sum of its squares
    stages: Counts  # (labels,) epochs that were given each
    confidence: float  # mean over the staged epochs; NaN where none is

    @property
    def known(self) -> Counts:
        """(features,): epochs that told the feature."""
        return np.asarray(self.counts.sum(axis=1))


def sketch_of(
    reference: Reference,
    features: NDArray[np.float32],
    stages: NDArray[np.integer],
    confidence: NDArray[np.float32],
) -> Sketch:
    """(epochs, features) with NaN for gaps; (epochs,) places among the labels, -1 for none."""
    values = np.asarray(features, np.float64)
    is_known = np.isfinite(values)
    zeroed = np.where(is_known, values, 0.0)
    staged = stages >= 0
    return Sketch(
        epochs=len(values),
        counts=_counted(reference, values, is_known),
        total=zeroed.sum(axis=0),
        squares=(zeroed**2).sum(axis=0),
        stages=np.bincount(stages[staged], minlength=len(reference.labels)),
        confidence=float(confidence[staged].mean(dtype=np.float64)) if staged.any() else np.nan,
    )


def _counted(reference: Reference, values: Floats, is_known: NDArray[np.bool_]) -> Counts:
    """Every feature's bins side by side, so that one count is enough."""
    width = values.shape[1]
    places = np.empty(values.shape, np.int64)
    for column in range(width):
        places[:, column] = np.searchsorted(reference.edges[column], values[:, column])
    places += np.arange(width) * BINS
    return np.bincount(places[is_known], minlength=width * BINS).reshape(width, BINS)
