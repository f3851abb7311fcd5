"""The contextual linear model fitted: weights, temperatures and decoder, the latter two from
people that the weights answering were not fitted to."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inference.engine import Chain, Linear, Model
from inference.engine.passes import look, told
from mlops.datasets import LabelledNight, folds_by_subject
from mlops.training import decoder, softmax, tuning
from mlops.training.contextual import Design, Prepared, Rows
from mlops.training.softmax import Recipe
from mlops.training.tuning import UNTUNED, Tuned, Unseen

Doubles = NDArray[np.float64]
Nights = Sequence[LabelledNight]
INNER_FOLDS, INNER_SEED = 5, 11


def train(prepared: Prepared, nights: Nights) -> Model:
    """Weights from all nights; temperatures and priors from nights held out of inner fits."""
    kinds = tuning.of_kinds(_unseen(prepared, nights))
    model = _model(prepared.design, fitted(prepared, nights, kinds))
    return replace(model, decoder=tuning.decoder_of([night.stages for night in nights], kinds))


def fitted(
    prepared: Prepared, nights: Nights, kinds: tuple[Tuned, Tuned] = (UNTUNED, UNTUNED)
) -> Linear:
    """Each kind of night has weights of its own, its temperature taken out of them.

    What one kind was never shown has no weight in it; a kind that nobody showed is the other."""
    design, rows = prepared.design, prepared.rows_of(nights)
    half = rows.values.shape[1] // 2
    sides = [
        replace(rows, values=values) for values in (rows.values[:, :half], rows.values[:, half:])
    ]
    tables = [
        _table(design, side, recipe) for side, recipe in zip(sides, design.recipes, strict=True)
    ]
    whole = [
        _tempered(design, tables[side] if tables[side].any() else tables[1 - side], kinds[side])
        for side in (0, 1)
    ]
    bias = np.zeros(len(design.labels), np.float32)
    return Linear(np.concatenate(whole).astype(np.float32), bias)


def _table(design: Design, rows: Rows, recipe: Recipe) -> Doubles:
    """(columns, labels) from the rows of one kind; the bias is the weight of what is always 1."""
    mine = np.asarray(rows.values[:, design.always] > 0)
    if not mine.any():
        return np.zeros((rows.values.shape[1], len(design.labels)))
    found = softmax.fit(
        rows.values[mine],
        rows.classes[mine],
        len(design.labels),
        recipe,
        rows.counts[mine],
    )
    table = found.weights.copy()
    table[design.always] += found.bias
    return table


def _tempered(design: Design, table: Doubles, kind: Tuned) -> Doubles:
    tempered = table / kind.temperature
    tempered[design.always] += kind.shift
    return tempered


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
        found += [answer(model, night, chain) for night in fold.held_out]
    return found


def answer(model: Model, night: LabelledNight, chain: Chain) -> Unseen:
    """What a model that never saw the sleeper says of a night, and a chain of those it saw."""
    features = told(model, night.night).features[None]
    index = np.arange(len(night.features), dtype=np.int64)[None]
    seen = look(model, features, index, len(night.features))
    logits = np.log(np.maximum(seen.probabilities[0], np.finfo(np.float64).tiny))
    return Unseen(night.stages, logits, seen.knows_enough[0], bool(seen.are_apart[0]), chain)
