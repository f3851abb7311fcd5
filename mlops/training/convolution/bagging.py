"""From nights to a model: several nets, each fitted without some people, who then tune the rest.

So temperature and decoder are tuned on answers for people that the net answering never saw."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from inference.engine import Chain, Model, Pass, network
from inference.engine.passes import look, told
from mlops.datasets import Fold, LabelledNight, folds_by_subject
from mlops.evaluation import Answer, answers_of
from mlops.sources import COLUMNS
from mlops.training import decoder
from mlops.training.contextual import EVIDENCE, LOOKS_AHEAD
from mlops.training.contextual_fit import Unseen
from mlops.training.convolution import fitting, graph, tuning
from mlops.training.convolution.design import (
    LABELS,
    NORMALISATION,
    SEEN,
    Design,
)
from mlops.training.convolution.weights import Weights

Nights = Sequence[LabelledNight]
LEAST = 1e-12


@dataclass(frozen=True)
class Member:
    """A net, whom it was fitted to, and what it says of those it was fitted without."""

    weights: Weights
    fold: Fold
    unseen: tuple[Unseen, ...]


@dataclass(frozen=True)
class Fitted:
    design: Design
    model: Model
    onnx: bytes
    members: tuple[Member, ...]


def train(design: Design, nights: Nights) -> Fitted:
    """Nets, their mean as one graph, a temperature, a decoder: nothing else has seen the nights."""
    shown = [as_shown(design, night) for night in nights]
    folds = folds_by_subject(shown, design.members, design.seed)
    members = tuple(_member(design, fold) for fold in folds)
    found = tuning.tune(shown, [one for member in members for one in member.unseen])
    onnx = graph.written(design, [member.weights for member in members], found.temperatures)
    return Fitted(design, model_of(design, onnx, found.decoder), onnx, members)


def _member(design: Design, fold: Fold) -> Member:
    weights = fitting.fit(design, fold.fitting, design.seed + fold.number)
    model = model_of(design, graph.written(design, [weights]))
    return Member(
        weights, fold, tuple(answer(model, night, fold.fitting) for night in fold.held_out)
    )


def judged(fitted: Fitted, family: Pass) -> list[Answer]:
    """Each net alone on the people it was fitted without, tuned on what the others say of theirs.

    So nobody is judged by anything that saw them; the mean of the nets should do no worse."""
    answers = []
    for member in fitted.members:
        others = [other for other in fitted.members if other is not member]
        unseen = [one for other in others for one in other.unseen]
        found = tuning.tune(member.fold.fitting, unseen)
        onnx = graph.written(fitted.design, [member.weights], found.temperatures)
        model = model_of(fitted.design, onnx, found.decoder)
        nights = [
            night
            for night in member.fold.held_out
            if not (family == "live" and night.source in LOOKS_AHEAD)
        ]
        answers += answers_of(model, nights, family)
    return answers


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


def answer(model: Model, night: LabelledNight, fitting: Nights) -> Unseen:
    """What a model that never saw the sleeper says of a night, and a chain of those it saw."""
    features = told(model, night.night).features[None]
    index = np.arange(len(night.stages), dtype=np.int64)[None]
    seen = look(model, features, index, len(night.stages))
    return Unseen(
        stages=night.stages,
        logits=np.log(np.maximum(seen.probabilities[0], LEAST)),
        enough=seen.knows_enough[0],
        is_apart=bool(seen.are_apart[0]),
        chain=decoder.chain([one.stages for one in fitting], len(LABELS), None),
    )
