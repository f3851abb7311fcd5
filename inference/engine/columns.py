"""What the head sees of an epoch: named steps, side by side, from the normalised features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from inference.engine import context
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


def _elapsed_squared(normalised: Doubles, index: Ints) -> Doubles:
    return _elapsed(normalised, index) ** 2


def _context(normalised: Doubles, index: Ints) -> Doubles:
    return context.columns_of(normalised)


STEPS: Mapping[str, Step] = {
    # The features themselves; a gap is 0.
    "features": Step(_features, lambda features: features),
    # 1 where anything of the epoch is known, and the same feature by feature.
    "known": Step(_known, lambda _: ("known",)),
    "known_each": Step(_known_each, lambda features: tuple(f"{name}_known" for name in features)),
    # Since the recording began, 1 after eight hours.
    "elapsed": Step(_elapsed, lambda _: ("elapsed",)),
    "elapsed_squared": Step(_elapsed_squared, lambda _: ("elapsed_squared",)),
    # Of each feature what the epochs around say: means, spreads, maxima, change.
    "context": Step(_context, context.names_of),
}


@dataclass(frozen=True)
class Columns:
    """The steps by name, as the manifest says them, and the features they see: by place, or all.

    `apart_by`, where given, is the place of a feature among those: each column has two places, of
    which one is always 0, for nights that know that feature and for those that do not. So what a
    column means may depend on it.
    """

    steps: Names = ("features",)
    places: tuple[int, ...] = ()
    apart_by: int | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.steps if name not in STEPS]
        if unknown or not self.steps or len(set(self.steps)) < len(self.steps):
            raise ModelUnfit(f"Steps {', '.join(self.steps) or 'none'}; known: {', '.join(STEPS)}.")
        if len(set(self.places)) < len(self.places) or any(place < 0 for place in self.places):
            raise ModelUnfit(f"The features seen are {self.places}: places, each once.")
        if self.apart_by is not None and self.apart_by < 0:
            raise ModelUnfit(f"Nights are told apart by place {self.apart_by}.")

    def check(self, features: int) -> None:
        """Refuse, as ModelUnfit, places beyond the features there are."""
        seen = len(self.places) or features
        if max(self.places, default=0) >= features or (self.apart_by or 0) >= seen:
            raise ModelUnfit(f"The columns see features that are not among the {features}.")

    def seen(self, features: Names) -> Names:
        return tuple(features[place] for place in self.places) if self.places else features

    def names(self, features: Names) -> Names:
        seen = self.seen(features)
        once = tuple(name for step in self.steps for name in STEPS[step].names(seen))
        if self.apart_by is None:
            return once
        return once + tuple(f"{name}_with_{seen[self.apart_by]}" for name in once)

    def of(self, normalised: Doubles, index: Ints) -> Doubles:
        """(..., epochs, features), (..., epochs) -> (..., epochs, columns)."""
        seen = normalised[..., list(self.places)] if self.places else normalised
        made = [STEPS[step].make(seen, index) for step in self.steps]
        if self.apart_by is not None:
            apart = self.are_apart(normalised)[..., None, None]
            made = [np.where(side, columns, 0.0) for side in (~apart, apart) for columns in made]
        return made[0] if len(made) == 1 else np.concatenate(made, axis=-1)

    def are_apart(self, normalised: Doubles) -> Bools:
        """(..., epochs, features) -> (...): nights that know the feature in most known epochs."""
        if self.apart_by is None:
            return np.zeros(normalised.shape[:-2], np.bool_)
        place = self.places[self.apart_by] if self.places else self.apart_by
        known = ~np.isnan(normalised)
        return np.asarray(2 * known[..., place].sum(-1) > known.any(-1).sum(-1))
