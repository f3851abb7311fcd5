"""What the head sees of an epoch: named steps, side by side, from the normalised features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from inference.engine.nights import Doubles, Ints


@dataclass(frozen=True)
class Step:
    """Normalised (..., epochs, features), NaN for gaps, and grid indexes -> (..., epochs, columns).

    No NaN comes out. `names` says the columns, from the features' names.
    """

    make: Callable[[Doubles, Ints], Doubles]
    names: Callable[[tuple[str, ...]], tuple[str, ...]]


STEPS: Mapping[str, Step] = {}  # features, known, known_each, elapsed


@dataclass(frozen=True)
class Columns:
    steps: tuple[str, ...] = ("features",)

    def names(self, features: tuple[str, ...]) -> tuple[str, ...]:
        raise NotImplementedError

    def of(self, normalised: Doubles, index: Ints) -> Doubles:
        """(..., epochs, features), (..., epochs) -> (..., epochs, columns)."""
        raise NotImplementedError
