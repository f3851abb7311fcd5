"""Features on one scale: the training's, or the night's own. A gap stays NaN here."""

from dataclasses import dataclass
from typing import Protocol

from inference.engine.nights import Doubles, Floats


class Normalisation(Protocol):
    kind: str

    def apply(self, features: Floats) -> Doubles:
        """(..., epochs, features) -> the same, normalised; never looks across the leading axes."""
        ...


@dataclass(frozen=True)
class Fixed:
    """Mean and scale from training."""

    mean: Doubles  # (features,)
    scale: Doubles  # (features,), greater than 0
    kind: str = "fixed"

    def apply(self, features: Floats) -> Doubles:
        raise NotImplementedError


@dataclass(frozen=True)
class RobustNight:
    """Median and interquartile range of the night itself, per feature, over what is known."""

    limit: float = 10.0  # normalised values are kept within
    kind: str = "night"

    def apply(self, features: Floats) -> Doubles:
        raise NotImplementedError
