"""Temperatures and priors, from what models say of people that they were fitted without."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inference.engine import Chain
from mlops.agreement import Compared, Tally, report_of, scores
from mlops.evaluation.verdict import two_stages
from mlops.training import calibration, decoder
from mlops.training.softmax import softmax
from recordings.stages import SHOWN, UNSCORED

Doubles = NDArray[np.float64]
Stages = NDArray[np.int8]
# Shares of W, Deep and REM beside Light's: what a decoder may take for the prior.
LIGHT = 0.5
SHARES = tuple(
    itertools.product(
        (0.15, 0.22, 0.3, 0.45), (0.03, 0.06, 0.12, 0.22), (0.02, 0.035, 0.06, 0.1, 0.22)
    )
)
PRIORS = tuple(
    np.array([wake, LIGHT, deep, rem]) / (wake + LIGHT + deep + rem) for wake, deep, rem in SHARES
)
# A stage that is hardly ever found is worth so much of agreement, up to such a recall: a little
# more than is asked of nights that do not know movement, and of those that do.
RECALL_COUNTS, RECALL_ENOUGH = 1.0, (0.35, 0.5)
# And so much is telling sleep from wake.
AWAKE_COUNTS = 0.5
BEST = 5
# Temperatures around the likeliest one, and how much of the prior is taken out of what is shown
# rather than in the decoder: of these, what comes true best.
AROUND = (0.7, 0.85, 1.0, 1.2)
OUT = (0.0, 0.5)


@dataclass(frozen=True)
class Unseen:
    """A night with what a model that never saw its sleeper says of it, before any decoder."""

    stages: Stages
    logits: Doubles  # (epochs, labels), up to a constant an epoch
    enough: NDArray[np.bool_]
    is_apart: bool
    chain: Chain

    @property
    def judged(self) -> NDArray[np.bool_]:
        return np.asarray(self.enough & (self.stages >= 0))


@dataclass(frozen=True)
class Tuned:
    """Of one kind of night: shown is softmax(logits / temperature + shift); the decoder divides
    the prior out of that."""

    temperature: float
    shift: Doubles  # (labels,)
    prior: Doubles  # (labels,)

    @classmethod
    def of(cls, temperature: float, prior: Doubles, out: float) -> "Tuned":
        """So much of the prior is taken out of what is shown, the rest in the decoder."""
        shift = -out * np.log(prior)
        rest = prior ** (1 - out)
        return cls(temperature, shift - shift.mean(), rest / rest.sum())

    def shown(self, logits: Doubles) -> Doubles:
        return softmax(logits / self.temperature + self.shift)


UNTUNED = Tuned(1.0, np.zeros(len(SHOWN)), np.full(len(SHOWN), 1 / len(SHOWN)))


def of_kinds(unseen: Sequence[Unseen]) -> tuple[Tuned, Tuned]:
    """Of nights that do not know movement, and of those that do: each by its own.

    A kind of night that nobody showed is taken for the other."""
    sides = [[one for one in unseen if one.is_apart is side] for side in (False, True)]
    common, apart = (
        tuned(side or unseen, enough) for side, enough in zip(sides, RECALL_ENOUGH, strict=True)
    )
    return common, apart


def tuned(unseen: Sequence[Unseen], enough: float) -> Tuned:
    """The prior at the likeliest temperature, then what comes true best with it."""
    likeliest = calibration.temperature(
        np.concatenate([one.logits[one.judged] for one in unseen]),
        np.concatenate([one.stages[one.judged] for one in unseen]),
    )
    prior = best_prior(unseen, likeliest, enough)
    tried = [
        Tuned.of(round(likeliest * share, 4), prior, out)
        for out, share in itertools.product(OUT, AROUND)
    ]
    return min(tried, key=lambda one: _calibration_error(unseen, one))


def decoder_of(nights: Sequence[Stages], kinds: tuple[Tuned, Tuned]) -> Chain:
    """The stages' own chain, with the prior of either kind of night."""
    common, apart = kinds
    chain = decoder.chain(nights, len(SHOWN), common.prior)
    return replace(chain, prior_apart=apart.prior)


def best_prior(unseen: Sequence[Unseen], temperature: float, enough: float) -> Doubles:
    """(labels,): what agrees best once decoded, forgets no stage and finds who is awake.

    Between the few best, for which of them comes first is chance with so few people."""
    shown = [softmax(one.logits / temperature) for one in unseen]
    ranked = sorted(PRIORS, key=lambda prior: -worth(unseen, shown, prior, enough))
    between = np.exp(np.mean([np.log(prior) for prior in ranked[:BEST]], axis=0))
    return np.asarray(between / between.sum())


def worth(
    unseen: Sequence[Unseen], shown: Sequence[Doubles], prior: Doubles, enough: float
) -> float:
    count = len(prior)
    confusion = np.zeros((count, count), np.int64)
    for one, shares in zip(unseen, shown, strict=True):
        given = replace(one.chain, prior=prior).decode(shares, one.enough)
        np.add.at(confusion, (one.stages[one.judged], given[one.judged]), 1)
    least = float(np.nanmin(scores.recall(confusion)))
    awake = float(scores.kappa(two_stages(confusion)))
    return (
        float(scores.kappa(confusion)) + RECALL_COUNTS * min(least, enough) + AWAKE_COUNTS * awake
    )


def _calibration_error(unseen: Sequence[Unseen], found: Tuned) -> float:
    """Of the confidence that is shown: the calibrated probability of the decoded stage."""
    tally = Tally.none(len(SHOWN))
    for one in unseen:
        shares = found.shown(one.logits)
        given = replace(one.chain, prior=found.prior).decode(shares, one.enough).astype(np.int8)
        given[~one.enough] = UNSCORED
        tally = tally + Tally.of(Compared(one.stages, given, shares))
    error = report_of(tally, SHOWN).expected_calibration_error
    return 1.0 if error is None else error
