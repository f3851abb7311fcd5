"""What is counted of a night's agreement; nights add up, in constant memory and in any order."""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mlops.agreement import scores
from mlops.agreement.moments import Moments
from mlops.agreement.ratios import Floats
from mlops.agreement.scores import Counts

CALIBRATION_BINS = 10
BY_NIGHT = ("kappa", "macro_f1")
SEED = 4


@dataclass(frozen=True)
class Compared:
    """One night, epoch by epoch: stages as places from 0, -1 where unknown."""

    truth: NDArray[np.int8]  # (epochs,)
    given: NDArray[np.int8]  # (epochs,)
    probabilities: Floats  # (epochs, stages), NaN where none were given

    @property
    def known(self) -> NDArray[np.bool_]:
        return (self.truth >= 0) & (self.given >= 0)


@dataclass(frozen=True)
class Tally:
    nights: int
    confusion: Counts  # (truth, given)
    truth_transitions: Counts  # (from, to)
    given_transitions: Counts  # (from, to)
    weighed: int  # epochs with probabilities
    squared_error: float
    entropy_bits: float
    bin_epochs: Counts  # (bins,)
    bin_right: Counts  # (bins,)
    bin_confidence: Floats  # (bins,) sums
    by_night: Moments  # of BY_NIGHT
    resampled: Counts  # (resamples, truth, given)

    @classmethod
    def of(cls, night: Compared, *, key: int = 0, resamples: int = 0) -> Self:
        """Count one night. Nights with different keys are resampled independently."""
        stages, known = night.probabilities.shape[1], night.known
        confusion = _pairs(night.truth[known], night.given[known], stages)
        neighbours = known[1:] & known[:-1]
        by_night = np.array([scores.OVERALL[name](confusion) for name in BY_NIGHT])
        # How often a night is drawn in a bootstrap is Poisson where there are many: such draws
        # need neither the number of nights nor all of them at once.
        drawn = np.random.default_rng([SEED, key]).poisson(1.0, resamples)
        return cls(
            nights=int(known.any()),
            confusion=confusion,
            truth_transitions=_transitions(night.truth, neighbours, stages),
            given_transitions=_transitions(night.given, neighbours, stages),
            by_night=Moments.of(by_night),
            resampled=drawn[:, None, None] * confusion,
            **_weighed(night, known),
        )

    @classmethod
    def none(cls, stages: int, *, resamples: int = 0) -> Self:
        nobody = np.empty(0, np.int8)
        return cls.of(Compared(nobody, nobody, np.empty((0, stages))), resamples=resamples)

    def __add__(self, other: "Tally") -> "Tally":
        mine, theirs = vars(self), vars(other)
        return Tally(*(mine[field.name] + theirs[field.name] for field in fields(self)))


def _pairs(rows: NDArray[np.int8], columns: NDArray[np.int8], stages: int) -> Counts:
    places = rows.astype(np.int64) * stages + columns
    return np.bincount(places, minlength=stages**2).reshape(stages, stages)


def _transitions(line: NDArray[np.int8], known: NDArray[np.bool_], stages: int) -> Counts:
    return _pairs(line[:-1][known], line[1:][known], stages)


def _weighed(night: Compared, known: NDArray[np.bool_]) -> dict[str, Any]:
    known = known & ~np.isnan(night.probabilities).any(axis=1)
    truth, given, shares = night.truth[known], night.given[known], night.probabilities[known]
    is_truth = truth[:, None] == np.arange(shares.shape[1])
    bits = np.log2(shares, out=np.zeros(shares.shape), where=shares > 0)
    confidence = shares[np.arange(len(given)), given]
    # Closed above, as in scikit-learn's curve; 0 falls into the first.
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1]
    bins = np.searchsorted(edges, confidence)
    return {
        "weighed": len(truth),
        "squared_error": float(((shares - is_truth) ** 2).sum()),
        "entropy_bits": abs(float((shares * bits).sum())),
        "bin_epochs": np.bincount(bins, minlength=CALIBRATION_BINS),
        "bin_right": np.bincount(bins[truth == given], minlength=CALIBRATION_BINS),
        "bin_confidence": np.bincount(bins, confidence, CALIBRATION_BINS),
    }
