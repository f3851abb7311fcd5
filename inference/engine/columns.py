"""What the head sees of an epoch: named steps, side by side, from the normalised features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TypeVar

import numpy as np

from inference.engine import context
from inference.engine.faults import ModelUnfit
from inference.engine.nights import Bools, Doubles, Floats, Ints
from recordings.grid import EPOCH_S

Real = TypeVar("Real", Floats, Doubles)
EPOCHS_PER_8_H = 8 * 3600 // EPOCH_S

Names = tuple[str, ...]


@dataclass(frozen=True)
class Lines:
    """Normalised features to make columns of. The epochs of each lie side by side in memory, for
    every step runs along the night."""

    filled: Doubles  # (..., features, epochs), 0 for a gap
    known: Bools  # the same
    index: Ints  # (..., epochs) on the recording's grid


@dataclass(frozen=True)
class Step:
    """Lines -> (..., columns, last), of the last epochs: every one written and none NaN.

    `names` says the columns, from the features' names.
    """

    fill: Callable[[Lines, Doubles], None]
    names: Callable[[Names], Names]

    @cache  # noqa: B019 - the steps are these few, for good
    def width(self, features: int) -> int:
        return len(self.names(("",) * features))


def _features(lines: Lines, out: Doubles) -> None:
    out[...] = lines.filled[..., -out.shape[-1] :]


def _known(lines: Lines, out: Doubles) -> None:
    out[..., 0, :] = lines.known[..., -out.shape[-1] :].any(axis=-2)


def _known_each(lines: Lines, out: Doubles) -> None:
    out[...] = lines.known[..., -out.shape[-1] :]


def _elapsed(lines: Lines, out: Doubles) -> None:
    index = lines.index[..., -out.shape[-1] :]
    np.divide(np.maximum(index, 0), EPOCHS_PER_8_H, out=out[..., 0, :])


def _elapsed_squared(lines: Lines, out: Doubles) -> None:
    _elapsed(lines, out)
    out *= out


def _context(lines: Lines, out: Doubles) -> None:
    context.fill(lines.filled, lines.known, out)


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

    @cached_property
    def _places(self) -> Ints:
        return np.array(self.places)

    @property
    def sides(self) -> int:
        """How many places each column has."""
        return 1 if self.apart_by is None else 2

    def of(self, normalised: Doubles, index: Ints) -> Doubles:
        """(..., epochs, features), (..., epochs) -> (..., epochs, columns)."""
        once = np.swapaxes(self.once(self.see(normalised), index, index.shape[-1]), -1, -2)
        if self.apart_by is None:
            return once
        apart = self.are_apart(normalised)[..., None, None]
        sides = [np.where(side, once, 0.0) for side in (~apart, apart)]
        return np.concatenate(sides, axis=-1)

    def see(self, values: Real) -> Real:
        """(..., epochs, features) -> (..., features seen, epochs), each in one run."""
        across = np.swapaxes(values, -1, -2)
        if self.places:
            return across.take(self._places, axis=-2)
        return np.ascontiguousarray(across)

    def once(self, seen: Doubles, index: Ints, last: int) -> Doubles:
        """(..., features seen, epochs), (..., epochs) -> (..., columns, last) of the last epochs:
        whichever night it is, each column in one place."""
        known = ~np.isnan(seen)
        lines = Lines(np.where(known, seen, 0.0), known, index)
        widths = [STEPS[step].width(seen.shape[-2]) for step in self.steps]
        made = np.empty((*seen.shape[:-2], sum(widths), last))
        first = 0
        for step, width in zip(self.steps, widths, strict=True):
            STEPS[step].fill(lines, made[..., first : first + width, :])
            first += width
        return made

    def are_apart(self, normalised: Doubles) -> Bools:
        """(..., epochs, features) -> (...): nights that know the feature in most known epochs."""
        known_each = ~np.isnan(normalised)
        return self.tell_apart(known_each, np.asarray(known_each.any(-1)))

    def tell_apart(self, known_each: Bools, known: Bools) -> Bools:
        """The same, by what is known: (..., epochs, features), (..., epochs) -> (...)."""
        if self.apart_by is None:
            return np.zeros(known.shape[:-1], np.bool_)
        place = self.places[self.apart_by] if self.places else self.apart_by
        return np.asarray(2 * known_each[..., place].sum(-1) > known.sum(-1))
