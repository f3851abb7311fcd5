"""What the head sees of an epoch: named steps, side by side, from the normalised features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from inference.engine.faults import ModelUnfit
from inference.engine.nights import Bools, Doubles, Ints
from recordings.grid import EPOCH_S

EPOCHS_PER_8_H = 8 * 3600 // EPOCH_S

Names = tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """Normalised (..., epochs, features), NaN for gaps, and grid indexes -> (..., epochs, columns).

    No NaN comes out. `names` says the columns, from the features' names.
    """

    make: Callable[[Doubles, Ints], Doubles]
    names: Callable[[Names], Names]


def _features(normalised: Doubles, index: Ints) -> Doubles:
    return np.asarray(np.where(np.isnan(normalised), 0.0, normalised))


def _known(normalised: Doubles, index: Ints) -> Doubles:
    known: Bools = np.any(~np.isnan(normalised), axis=-1)
    return known[..., None].astype(np.float64)


def _known_each(normalised: Doubles, index: Ints) -> Doubles:
    return (~np.isnan(normalised)).astype(np.float64)


def _elapsed(normalised: Doubles, index: Ints) -> Doubles:
    return np.asarray(np.maximum(index, 0)[..., None] / EPOCHS_PER_8_H)


STEPS: Mapping[str, Step] = {
    # The features themselves; a gap is 0.
    "features": Step(_features, lambda features: features),
    # 1 where anything of the epoch is known, and the same feature by feature.
    "known": Step(_known, lambda _: ("known",)),
    "known_each": Step(_known_each, lambda features: tuple(f"{name}_known" for name in features)),
    # Since the recording began, 1 after eight hours.
    "elapsed": Step(_elapsed, lambda _: ("elapsed",)),
}


@dataclass(frozen=True)
class Columns:
    """The steps by name, as the manifest says them."""

    steps: Names = ("features",)

    def __post_init__(self) -> None:
        unknown = [name for name in self.steps if name not in STEPS]
        if unknown or not self.steps or len(set(self.steps)) < len(self.steps):
            raise ModelUnfit(f"Steps {', '.join(self.steps) or 'none'}; known: {', '.join(STEPS)}.")

    def names(self, features: Names) -> Names:
        return tuple(name for step in self.steps for name in STEPS[step].names(features))

    def of(self, normalised: Doubles, index: Ints) -> Doubles:
        """(..., epochs, features), (..., epochs) -> (..., epochs, columns)."""
        made = [STEPS[step].make(normalised, index) for step in self.steps]
        return made[0] if len(made) == 1 else np.concatenate(made, axis=-1)
