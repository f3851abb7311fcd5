"""The contextual linear model fitted: weights, temperatures and decoder, the latter two from
people that the weights answering were not fitted to."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inference.engine import Chain, Linear, Model
from inference.engine.passes import look, told
from mlops.agreement import Compared, Tally, report_of, scores
from mlops.datasets import LabelledNight, folds_by_subject
from mlops.training import calibration, decoder, softmax
from mlops.training.contextual import Design, Prepared, Rows
from recordings.stages import SHOWN, UNSCORED

Doubles = NDArray[np.float64]
Nights = Sequence[LabelledNight]
INNER_FOLDS, INNER_SEED = 5, 11
# Shares of W, Deep and REM beside Light's: what a decoder may take for the prior.
LIGHT = 0.5
PRIORS = tuple(
    itertools.product(
        (0.15, 0.22, 0.3, 0.45), (0.03, 0.06, 0.12, 0.22), (0.02, 0.035, 0.06, 0.1, 0.22)
    )
)
# A stage that is hardly ever found is worth so much of agreement, up to such a recall.
RECALL_COUNTS, RECALL_ENOUGH = 1.0, 0.33
# Temperatures around the likeliest one, of which what is shown comes true best.
AROUND = (0.55, 0.65, 0.75, 0.85, 1.0, 1.2)
SIDES = (False, True)


@dataclass(frozen=True)
class Unseen:
    """A night with what a model that never saw its sleeper says of it, before any decoder."""

    stages: NDArray[np.int8]
    logits: Doubles  # (epochs, labels), up to a constant an epoch
    enough: NDArray[np.bool_]
    is_apart: bool
    chain: Chain

    @property
    def judged(self) -> NDArray[np.bool_]:
        return np.asarray(self.enough & (self.stages >= 0))


def train(prepared: Prepared, nights: Nights) -> Model:
    """Weights from all nights; temperatures and priors from nights held out of inner fits."""
    design = prepared.design
    unseen = _unseen(prepared, nights)
    sides = [[one for one in unseen if one.is_apart is side] for side in SIDES]
    # A kind of night that nobody showed is taken for the other.
    kinds = [side or unseen for side in sides]
    temperatures, priors = zip(*(_tuned(kind) for kind in kinds), strict=True)
    model = _model(design, fitted(prepared, nights, temperatures))
    chain = decoder.chain([night.stages for night in nights], len(design.labels), priors[0])
    return replace(model, decoder=replace(chain, prior_apart=priors[1]))


def fitted(
    prepared: Prepared, nights: Nights, temperatures: Sequence[float] = (1.0, 1.0)
) -> Linear:
    """Each kind of night has weights of its own, its temperature taken out of them.

    What one kind was never shown has no weight in it; a kind that nobody showed is the other."""
    design, rows = prepared.design, prepared.rows_of(nights)
    half = rows.values.shape[1] // 2
    kinds = [
        replace(rows, values=values) for values in (rows.values[:, :half], rows.values[:, half:])
    ]
    tables = [_table(design, kind) for kind in kinds]
    whole = [
        (tables[side] if tables[side].any() else tables[1 - side]) / temperatures[side]
        for side in (0, 1)
    ]
    bias = np.zeros(len(design.labels), np.float32)
    return Linear(np.concatenate(whole).astype(np.float32), bias)


def _table(design: Design, rows: Rows) -> Doubles:
    """(columns, labels) from the rows of one kind; the bias is the weight of what is always 1."""
    mine = np.asarray(rows.values[:, design.always] > 0)
    if not mine.any():
        return np.zeros((rows.values.shape[1], len(design.labels)))
    found = softmax.fit(
        rows.values[mine],
        rows.classes[mine],
        len(design.labels),
        design.recipe,
        rows.counts[mine],
    )
    table = found.weights.copy()
    table[design.always] += found.bias
    return table


def _model(design: Design, head: Linear) -> Model:
    return Model(
        labels=design.labels,
        features=design.features,
        evidence=design.evidence,
        window=design.window,
        normalisation=design.normalisation,
        columns=design.columns,
        head=head,
        history=design.history,
    )


def _unseen(prepared: Prepared, nights: Nights) -> list[Unseen]:
    design, found = prepared.design, []
    for fold in folds_by_subject(nights, INNER_FOLDS, INNER_SEED):
        model = _model(design, fitted(prepared, fold.fitting))
        chain = decoder.chain([night.stages for night in fold.fitting], len(design.labels), None)
        found += [_answer(model, night, chain) for night in fold.held_out]
    return found


def _answer(model: Model, night: LabelledNight, chain: Chain) -> Unseen:
    features = told(model, night.night).features[None]
    index = np.arange(len(night.features), dtype=np.int64)[None]
    seen = look(model, features, index, len(night.features))
    logits = np.log(np.maximum(seen.probabilities[0], np.finfo(np.float64).tiny))
    return Unseen(night.stages, logits, seen.knows_enough[0], bool(seen.are_apart[0]), chain)


def _tuned(unseen: Sequence[Unseen]) -> tuple[float, Doubles]:
    """The prior at the likeliest temperature, then the temperature at that prior."""
    likeliest = _likeliest(unseen)
    prior = best_prior(unseen, likeliest)
    temperature = min(
        (round(likeliest * share, 4) for share in AROUND),
        key=lambda one: _calibration_error(unseen, one, prior),
    )
    return temperature, prior


def _calibration_error(unseen: Sequence[Unseen], temperature: float, prior: Doubles) -> float:
    """Of the confidence that is shown: the calibrated probability of the decoded stage."""
    tally = Tally.none(len(prior))
    for one in unseen:
        shares = softmax.softmax(one.logits / temperature)
        given = replace(one.chain, prior=prior).decode(shares, one.enough).astype(np.int8)
        given[~one.enough] = UNSCORED
        tally = tally + Tally.of(Compared(one.stages, given, shares))
    error = report_of(tally, SHOWN).expected_calibration_error
    return 1.0 if error is None else error


def _likeliest(unseen: Sequence[Unseen]) -> float:
    logits = np.concatenate([one.logits[one.judged] for one in unseen])
    return calibration.temperature(
        logits, np.concatenate([one.stages[one.judged] for one in unseen])
    )


def best_prior(unseen: Sequence[Unseen], temperature: float) -> Doubles:
    """(labels,): what agrees best once decoded, and forgets no stage."""
    shown = [softmax.softmax(one.logits / temperature) for one in unseen]
    return max(
        (_prior(*shares) for shares in PRIORS), key=lambda prior: _worth(unseen, shown, prior)
    )


def _prior(wake: float, deep: float, rem: float) -> Doubles:
    shares = np.array([wake, LIGHT, deep, rem])
    return np.asarray(shares / shares.sum())


def _worth(unseen: Sequence[Unseen], shown: Sequence[Doubles], prior: Doubles) -> float:
    count = len(prior)
    confusion = np.zeros((count, count), np.int64)
    for one, shares in zip(unseen, shown, strict=True):
        given = replace(one.chain, prior=prior).decode(shares, one.enough)
        np.add.at(confusion, (one.stages[one.judged], given[one.judged]), 1)
    least = float(np.nanmin(scores.recall(confusion)))
    return float(scores.kappa(confusion)) + RECALL_COUNTS * min(least, RECALL_ENOUGH)
