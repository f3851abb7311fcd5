"""The contextual linear model fitted: weights, temperature and decoder from people apart."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inference.engine import Chain, Linear, Model
from inference.engine.passes import look, told
from mlops.agreement import scores
from mlops.datasets import LabelledNight, folds_by_subject
from mlops.training import calibration, decoder, softmax
from mlops.training.contextual import Design, rows_of

Doubles = NDArray[np.float64]
Nights = Sequence[LabelledNight]
INNER_FOLDS, INNER_SEED = 4, 11
# Shares of W, Deep and REM beside Light's: what a decoder may take for the prior.
LIGHT = 0.5
PRIORS = tuple(
    itertools.product((0.15, 0.3, 0.5), (0.03, 0.06, 0.12, 0.25), (0.02, 0.035, 0.06, 0.12, 0.25))
)
# A stage that is hardly ever found is worth so much of agreement, up to a recall of a half.
RECALL_COUNTS, RECALL_ENOUGH = 0.5, 0.5


@dataclass(frozen=True)
class Unseen:
    """A night with what a model that never saw its sleeper says of it, before any decoder."""

    stages: NDArray[np.int8]
    logits: Doubles  # (epochs, labels)
    enough: NDArray[np.bool_]
    is_apart: bool
    chain: Chain


def train(design: Design, nights: Nights) -> Model:
    """Weights from all nights; temperature and priors from nights held out of inner fits."""
    unseen = _unseen(design, nights)
    logits = np.concatenate([one.logits[_judged(one)] for one in unseen])
    stages = np.concatenate([one.stages[_judged(one)] for one in unseen])
    temperature = calibration.temperature(logits, stages)
    plain = _model(design, fitted(design, nights), temperature)
    apart = [[one for one in unseen if one.is_apart is side] for side in (False, True)]
    priors = [best_prior(side, temperature) if side else None for side in apart]
    common = priors[0] if priors[0] is not None else priors[1]
    chain = decoder.chain([night.stages for night in nights], len(design.labels), common)
    return replace(plain, decoder=replace(chain, prior_apart=priors[1]))


def fitted(design: Design, nights: Nights) -> Linear:
    """Both kinds of nights share weights and add their own, each as dear as the others."""
    rows = rows_of(design, nights)
    half = rows.values.shape[1] // 2
    shared = rows.values[:, :half] + rows.values[:, half:]
    values = np.concatenate([shared, rows.values], axis=1)
    found = softmax.fit(values, rows.classes, len(design.labels), design.recipe, rows.counts)
    common, own = found.weights[:half], found.weights[half:]
    weights = own + np.concatenate([common, common])
    return Linear(weights.astype(np.float32), found.bias.astype(np.float32))


def _model(design: Design, head: Linear, temperature: float) -> Model:
    return Model(
        labels=design.labels,
        features=design.features,
        evidence=design.evidence,
        window=design.window,
        normalisation=design.normalisation,
        columns=design.columns,
        head=head,
        temperature=temperature,
        history=design.history,
    )


def _unseen(design: Design, nights: Nights) -> list[Unseen]:
    found = []
    for fold in folds_by_subject(nights, INNER_FOLDS, INNER_SEED):
        model = _model(design, fitted(design, fold.fitting), 1.0)
        chain = decoder.chain([night.stages for night in fold.fitting], len(design.labels), None)
        found += [_answer(model, night, chain) for night in fold.held_out]
    return found


def _answer(model: Model, night: LabelledNight, chain: Chain) -> Unseen:
    features = told(model, night.night).features[None]
    index = np.arange(len(night.features), dtype=np.int64)[None]
    seen = look(model, features, index, len(night.features))
    with np.errstate(divide="ignore"):
        logits = np.log(seen.probabilities[0])
    return Unseen(night.stages, logits, seen.knows_enough[0], bool(seen.are_apart[0]), chain)


def _judged(one: Unseen) -> NDArray[np.bool_]:
    return np.asarray(one.enough & (one.stages >= 0))


def best_prior(unseen: Sequence[Unseen], temperature: float) -> Doubles:
    """(labels,): what agrees best once decoded, and forgets no stage."""
    candidates = [_prior(*shares) for shares in PRIORS]
    shown = [softmax.softmax(one.logits / temperature) for one in unseen]
    return max(candidates, key=lambda prior: _worth(unseen, shown, prior))


def _prior(wake: float, deep: float, rem: float) -> Doubles:
    shares = np.array([wake, LIGHT, deep, rem])
    return np.asarray(shares / shares.sum())


def _worth(unseen: Sequence[Unseen], shown: Sequence[Doubles], prior: Doubles) -> float:
    count = len(prior)
    confusion = np.zeros((count, count), np.int64)
    for one, shares in zip(unseen, shown, strict=True):
        given = replace(one.chain, prior=prior).decode(shares, one.enough)
        judged = _judged(one)
        np.add.at(confusion, (one.stages[judged], given[judged]), 1)
    least = float(np.nanmin(scores.recall(confusion)))
    return float(scores.kappa(confusion)) + RECALL_COUNTS * min(least, RECALL_ENOUGH)
