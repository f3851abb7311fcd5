"""Temperatures and priors, from what nets say of people they were fitted without."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inference.engine import Chain
from mlops.agreement import Compared, Tally, report_of, scores
from mlops.datasets import LabelledNight
from mlops.training import calibration, decoder
from mlops.training.contextual_fit import Unseen
from mlops.training.convolution.design import LABELS
from mlops.training.softmax import softmax

Doubles = NDArray[np.float64]
# Temperatures around the likeliest one, of which what is shown comes true best.
AROUND = (0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3)
# Shares of W, Deep and REM beside Light's: what a decoder may take for the prior.
LIGHT = 0.5
SHARES = tuple(
    itertools.product((0.15, 0.3, 0.5), (0.03, 0.06, 0.12, 0.25), (0.035, 0.06, 0.12, 0.25))
)
# A stage that is hardly ever found is worth so much of agreement, up to such a recall: a little
# more than is asked of nights that do not know movement, and of those that do.
RECALL_COUNTS, RECALL_ENOUGH = 0.5, (0.35, 0.5)


@dataclass(frozen=True)
class Tuned:
    """Of nights that do not know movement, and of those that do."""

    temperatures: tuple[float, float]
    decoder: Chain


def tune(nights: Sequence[LabelledNight], unseen: Sequence[Unseen]) -> Tuned:
    """Each kind of night by its own; one that nobody showed is taken for the other."""
    sides = [[one for one in unseen if one.is_apart is side] for side in (False, True)]
    found = [
        _of_kind(side or unseen, enough) for side, enough in zip(sides, RECALL_ENOUGH, strict=True)
    ]
    (cold, common), (warm, apart) = found
    chain = decoder.chain([night.stages for night in nights], len(LABELS), common)
    return Tuned((cold, warm), replace(chain, prior_apart=apart))


def _of_kind(unseen: Sequence[Unseen], enough: float) -> tuple[float, Doubles]:
    judged = [one.enough & (one.stages >= 0) for one in unseen]
    pairs = list(zip(unseen, judged, strict=True))
    likeliest = calibration.temperature(
        np.concatenate([one.logits[mask] for one, mask in pairs]),
        np.concatenate([one.stages[mask] for one, mask in pairs]),
    )
    prior = best_prior(unseen, likeliest, enough)
    tried = [round(likeliest * share, 4) for share in AROUND]
    best = min(tried, key=lambda temperature: calibration_error(unseen, temperature, prior))
    return best, best_prior(unseen, best, enough)


def calibration_error(unseen: Sequence[Unseen], temperature: float, prior: Doubles) -> float:
    """Of what is shown: the probability of the stage that the decoder gives."""
    tally = Tally.none(len(LABELS))
    for one in unseen:
        shares = softmax(one.logits / temperature)
        given = replace(one.chain, prior=prior).decode(shares, one.enough)
        shown: NDArray[np.int8] = np.where(one.enough, given, -1).astype(np.int8)
        tally += Tally.of(Compared(one.stages, shown, shares))
    error = report_of(tally, LABELS).expected_calibration_error
    return 1.0 if error is None else error


def best_prior(unseen: Sequence[Unseen], temperature: float, enough: float) -> Doubles:
    """(labels,): what agrees best once decoded, and forgets no stage."""
    tried = [np.array([wake, LIGHT, deep, rem]) for wake, deep, rem in SHARES]
    priors = [np.asarray(shares / shares.sum()) for shares in tried]
    shown = [softmax(one.logits / temperature) for one in unseen]
    return max(priors, key=lambda prior: _worth(unseen, shown, prior, enough))


def _worth(
    unseen: Sequence[Unseen], shown: Sequence[Doubles], prior: Doubles, enough: float
) -> float:
    confusion = np.zeros((len(prior), len(prior)), np.int64)
    for one, shares in zip(unseen, shown, strict=True):
        given = replace(one.chain, prior=prior).decode(shares, one.enough)
        judged = one.enough & (one.stages >= 0)
        np.add.at(confusion, (one.stages[judged], given[judged]), 1)
    least = float(np.nanmin(scores.recall(confusion)))
    return float(scores.kappa(confusion)) + RECALL_COUNTS * min(least, enough)
