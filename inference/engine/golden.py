"""A model's self-test: inputs with the answers that training recorded for them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inference.engine.explanation import Pass
from inference.engine.faults import GoldenMismatch
from inference.engine.model import Model
from inference.engine.nights import Codes, Floats, Night, Staged
from inference.engine.passes import stage_live, stage_night

TOLERANCE = 1e-6

STAGE: Mapping[Pass, Callable[[Model, Night], Staged]] = {
    "night": stage_night,
    "live": lambda model, night: stage_live(model, night, len(night)),
}


@dataclass(frozen=True)
class Golden:
    """One night and what a pass answers for every epoch of it."""

    pass_: Pass
    night: Night
    stages: Codes  # (epochs,), -1 none
    probabilities: Floats  # (epochs, labels), NaN none


def record(model: Model, night: Night, pass_: Pass) -> Golden:
    """Record what the model answers, to be written beside it."""
    staged = STAGE[pass_](model, night)
    return Golden(pass_, night, staged.stages, staged.probabilities)


def check(model: Model, vectors: Sequence[Golden]) -> None:
    """Refuse a model that answers other than recorded, or that brings no answer recorded."""
    if not any((vector.stages >= 0).any() for vector in vectors):
        raise GoldenMismatch("No golden vector has a stage: nothing is proven.")
    for number, vector in enumerate(vectors):
        _compare(f"Golden vector {number} ({vector.pass_})", vector, model)


def _compare(named: str, vector: Golden, model: Model) -> None:
    staged = STAGE[vector.pass_](model, vector.night)
    if staged.probabilities.shape != vector.probabilities.shape:
        raise GoldenMismatch(f"{named} is not of this model's labels or of one length.")
    # A negation, so that NaN where a number is due is a difference too.
    is_close = np.abs(staged.probabilities - vector.probabilities) <= TOLERANCE
    is_none = np.isnan(staged.probabilities) & np.isnan(vector.probabilities)
    if not (is_close | is_none).all():
        at = int(np.argmin((is_close | is_none).all(axis=1)))
        raise GoldenMismatch(f"{named}: other probabilities than recorded, first at epoch {at}.")
    if not np.array_equal(staged.stages, vector.stages):
        at = int(np.argmax(staged.stages != vector.stages))
        raise GoldenMismatch(f"{named}: other stages than recorded, first at epoch {at}.")
