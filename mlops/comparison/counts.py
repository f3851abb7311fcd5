"""What one night comes to when several answers to it stand side by side: plain numbers, to keep."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mlops.agreement import Compared, Tally
from recordings.stages import SHOWN

# The answer that is held against another, and that other.
Pair = tuple[str, str]


@dataclass(frozen=True)
class Line:
    """An answer over a whole night, whoever gave it."""

    stages: NDArray[np.int8]  # (epochs,) places in SHOWN, -1 where none was given
    shares: NDArray[np.float64] | None = None  # (epochs, SHOWN), NaN for a gap
    latency_us: int | None = None


@dataclass(frozen=True)
class NightCounts:
    """By the lines' names; a pair is named by both of them."""

    epochs: dict[str, list[int]]  # of each stage, then those without one
    latency_us: dict[str, int]
    confusion: dict[str, list[list[int]]]  # by what a pair's second says, then its first
    bins: dict[str, list[list[float]]]  # of the first's confidence: epochs, right, sums

    @property
    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, known: Mapping[str, Any]) -> Self:
        return cls(**known)

    def agreement(self, pair: Pair) -> tuple[int, int]:
        """The epochs that both know, and those of them on which they agree."""
        confusion = np.array(self.confusion[named(pair)])
        return int(confusion.sum()), int(np.trace(confusion))


def named(pair: Pair) -> str:
    return " against ".join(pair)


def count_night(lines: Mapping[str, Line], pairs: Sequence[Pair]) -> NightCounts:
    """Lines of one length; a pair of which one is not there is left out."""
    there = [pair for pair in pairs if set(pair) <= set(lines)]
    tallies = {named(pair): _tally(lines[pair[0]], lines[pair[1]]) for pair in there}
    return NightCounts(
        epochs={name: _counted(line.stages) for name, line in lines.items()},
        latency_us={
            name: line.latency_us for name, line in lines.items() if line.latency_us is not None
        },
        confusion={name: tally.confusion.tolist() for name, tally in tallies.items()},
        bins={
            name: [
                tally.bin_epochs.tolist(),
                tally.bin_right.tolist(),
                tally.bin_confidence.tolist(),
            ]
            for name, tally in tallies.items()
        },
    )


def _counted(stages: NDArray[np.int8]) -> list[int]:
    known = np.bincount(stages[stages >= 0], minlength=len(SHOWN))
    counts: list[int] = [*known.tolist(), int((stages < 0).sum())]
    return counts


def _tally(given: Line, truth: Line) -> Tally:
    nothing = np.full((len(given.stages), len(SHOWN)), np.nan)
    shares = nothing if given.shares is None else given.shares
    return Tally.of(Compared(truth.stages, given.stages, shares))
