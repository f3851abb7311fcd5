"""Many sketches as arrays, a row a night: what a comparison takes, however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mlops.drift.reference import Floats
from mlops.drift.sketches import Counts, Sketch


@dataclass(frozen=True)
class Nights:
    device: NDArray[np.int64]  # (nights,)
    epochs: Counts  # (nights,)
    counts: Counts  # (nights, features, BINS)
    total: Floats  # (nights, features)
    stages: Counts  # (nights, labels)
    confidence: Floats  # (nights,), NaN where nothing was staged

    def __len__(self) -> int:
        return len(self.device)

    @classmethod
    def of(cls, sketches: Sequence[Sketch], device: Sequence[int]) -> Self:
        return cls(
            device=np.asarray(device, np.int64),
            epochs=np.array([sketch.epochs for sketch in sketches]),
            counts=np.array([sketch.counts for sketch in sketches]),
            total=np.array([sketch.total for sketch in sketches]),
            stages=np.array([sketch.stages for sketch in sketches]),
            confidence=np.array([sketch.confidence for sketch in sketches]),
        )

    def of_devices(self, devices: NDArray[np.int64]) -> Self:
        wanted = np.isin(self.device, devices)
        return type(self)(**{name: column[wanted] for name, column in vars(self).items()})

    @property
    def known(self) -> Counts:
        """(nights, features): epochs that told the feature."""
        return np.asarray(self.counts.sum(axis=2))

    @property
    def means(self) -> Floats:
        """(nights, features): each night's own mean; NaN where it never told the feature."""
        known = self.known
        return np.where(known > 0, self.total / np.maximum(known, 1), np.nan)

    @property
    def missing(self) -> Floats:
        """(features,): the share of epochs without the feature."""
        return np.asarray(1 - self.known.sum(axis=0) / max(int(self.epochs.sum()), 1))

    @property
    def shares(self) -> Floats:
        """(features, BINS): every night counts alike, however long it was."""
        known = self.known[:, :, None]
        of_night = np.where(known > 0, self.counts / np.maximum(known, 1), np.nan)
        return mean_of(of_night)

    @property
    def stage_shares(self) -> Floats:
        """(labels,), every staged night alike."""
        staged = self.stages.sum(axis=1, keepdims=True)
        return mean_of(np.where(staged > 0, self.stages / np.maximum(staged, 1), np.nan))


def mean_of(rows: Floats) -> Floats:
    """(nights, ...) -> (...), over the nights that know; NaN where none does."""
    is_known = np.isfinite(rows)
    count = is_known.sum(axis=0)
    total = np.where(is_known, rows, 0.0).sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))
