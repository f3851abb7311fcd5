"""A model's self-test: inputs with the answers that training recorded for them."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference.engine.explanation import Pass
from inference.engine.model import Model
from inference.engine.nights import Codes, Floats, Night

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Golden:
    """One night and what a pass answers for every epoch of it."""

    pass_: Pass
    night: Night
    stages: Codes  # (epochs,), -1 none
    probabilities: Floats  # (epochs, labels), NaN none


def record(model: Model, night: Night, pass_: Pass) -> Golden:
    """Record what the model answers, to be written beside it."""
    raise NotImplementedError


def check(model: Model, vectors: Sequence[Golden]) -> None:
    """Refuse a model that answers other than recorded, or that brings nothing recorded."""
    raise NotImplementedError
