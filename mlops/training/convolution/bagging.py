"""From nights to a model: several nets, each fitted without some people, who then tune the rest.

So temperature and decoder are tuned on answers for people that the net answering never saw."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from inference.engine import Chain, Model, network
from mlops.datasets import Fold, LabelledNight, folds_by_subject
from mlops.sources import COLUMNS
from mlops.training import contextual_fit, decoder, tuning
from mlops.training.contextual import EVIDENCE, LOOKS_AHEAD, Prepared
from mlops.training.convolution import fitting, graph
from mlops.training.convolution.design import (
    LABELS,
    LINEAR,
    NORMALISATION,
    SEEN,
    Design,
)
from mlops.training.convolution.weights import Weights
from mlops.training.tuning import Unseen

Nights = Sequence[LabelledNight]


@dataclass(frozen=True)
class Member:
    """A net, and what it says of those it was fitted without."""

    weights: Weights
    unseen: tuple[Unseen, ...]


@dataclass(frozen=True)
class Fitted:
    model: Model
    onnx: bytes


def train(design: Design, nights: Nights) -> Fitted:
    """Nets, their mean as one graph, a temperature, a decoder: nothing else has seen the nights."""
    shown = [as_shown(design, night) for night in nights]
    prepared = Prepared(LINEAR)
    folds = folds_by_subject(shown, design.members, design.seed)
    members = tuple(_member(design, prepared, fold) for fold in folds)
    kinds = tuning.of_kinds([one for member in members for one in member.unseen])
    onnx = graph.written(design, [member.weights for member in members], kinds)
    chain = tuning.decoder_of([night.stages for night in shown], kinds)
    return Fitted(model_of(design, onnx, chain), onnx)


def _member(design: Design, prepared: Prepared, fold: Fold) -> Member:
    weights = fitting.fit(design, fold.fitting, design.seed + fold.number)
    if design.linear_counts:
        weights["linear"] = contextual_fit.fitted(prepared, fold.fitting).weights
    model = model_of(design, graph.written(design, [weights]))
    chain = decoder.chain([night.stages for night in fold.fitting], len(LABELS), None)
    unseen = tuple(contextual_fit.answer(model, night, chain) for night in fold.held_out)
    return Member(weights, unseen)


def as_shown(design: Design, night: LabelledNight) -> LabelledNight:
    """A live net never learns from what was measured later."""
    if not design.is_causal or night.source not in LOOKS_AHEAD:
        return night
    features = night.features.copy()
    features[:, [COLUMNS.index(name) for name in LOOKS_AHEAD[night.source]]] = np.nan
    return replace(night, features=features)


def model_of(design: Design, onnx: bytes, chain: Chain | None = None) -> Model:
    return Model(
        labels=LABELS,
        features=COLUMNS,
        evidence=EVIDENCE,
        window=design.window,
        normalisation=NORMALISATION,
        columns=SEEN,
        head=network.load(onnx),
        decoder=chain,
        history=design.history,
    )
