"""Nights' counts added up, in the memory of a few of them and one number for each."""

import heapq
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops.agreement import CALIBRATION_BINS
from mlops.agreement.scores import Counts
from mlops.comparison.counts import NightCounts, Pair, named
from recordings.stages import SHOWN

RESAMPLES = 1_000
SEED = 9
MOST_DIFFERENT = 5
# Nights of which both know less say little about how two answers differ.
FEWEST_EPOCHS = 20


@dataclass(frozen=True, order=True)
class Different:
    """A night and how far two answers agree on it."""

    agreement: float
    name: str
    epochs: int
    differing: int


class Totals:
    """A unit is what is drawn as one in the bootstrap: a night, or all nights of a person."""

    def __init__(self, lines: Sequence[str], pairs: Sequence[Pair], differing: Pair) -> None:
        self.pairs, self._differing = pairs, differing
        self.nights = 0
        self.nights_of: dict[str, int] = dict.fromkeys(map(named, pairs), 0)
        self.units: dict[str, set[int]] = {named(pair): set() for pair in pairs}
        self.epochs: dict[str, Counts] = {
            name: np.zeros(len(SHOWN) + 1, np.int64) for name in lines
        }
        self.latency_us: dict[str, array[int]] = {name: array("q") for name in lines}
        self.confusion: dict[str, Counts] = {named(pair): _empty() for pair in pairs}
        self.resampled: dict[str, Counts] = {named(pair): _empty(RESAMPLES) for pair in pairs}
        self.bins: dict[str, NDArray[np.float64]] = {
            named(pair): np.zeros((3, CALIBRATION_BINS)) for pair in pairs
        }
        self._heap: list[tuple[float, str, int, int]] = []

    def add(self, night: NightCounts, *, name: str, unit: int) -> None:
        """Units with the same number are drawn together, whatever else is added."""
        self.nights += 1
        for line, counted in night.epochs.items():
            self.epochs[line] += counted
        for line, latency in night.latency_us.items():
            self.latency_us[line].append(latency)
        drawn = np.random.default_rng([SEED, unit]).poisson(1.0, RESAMPLES)
        for pair, rows in night.confusion.items():
            self._add_pair(pair, np.array(rows, np.int64), drawn, unit)
            self.bins[pair] += night.bins[pair]
        self._note_difference(night, name)

    def _add_pair(self, pair: str, confusion: Counts, drawn: Counts, unit: int) -> None:
        if not confusion.any():
            return
        self.nights_of[pair] += 1
        self.units[pair].add(unit)
        self.confusion[pair] += confusion
        self.resampled[pair] += drawn[:, None, None] * confusion

    def _note_difference(self, night: NightCounts, name: str) -> None:
        if named(self._differing) not in night.confusion:
            return
        known, same = night.agreement(self._differing)
        if known < FEWEST_EPOCHS or known == same:
            return
        # The heap's smallest is the most alike of those kept.
        entry = (-same / known, name, known, known - same)
        if len(self._heap) < MOST_DIFFERENT:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    @property
    def most_different(self) -> list[Different]:
        """The nights on which the two agree least, the least first."""
        return sorted(
            Different(-score, name, epochs, differing)
            for score, name, epochs, differing in self._heap
        )


def _empty(*more: int) -> Counts:
    return np.zeros((*more, len(SHOWN), len(SHOWN)), np.int64)
