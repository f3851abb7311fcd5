"""Features on one scale: the training's, or the night's own. A gap stays NaN here."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from inference.engine.faults import ModelUnfit
from inference.engine.nights import Doubles, Floats, Ints
from recordings.grid import MAX_EPOCHS

# An interquartile range of a normal distribution is that many standard deviations.
NORMAL_IQR = 1.349
SHARES = np.array([0.25, 0.5, 0.75])
UNKNOWN = np.float32(np.nan)


class Normalisation(ABC):
    """Each feature by itself, and never across leading axes."""

    kind: ClassVar[str]

    def apply(self, features: Floats) -> Doubles:
        """(..., epochs, features) -> the same, normalised."""
        return np.swapaxes(self.along(np.ascontiguousarray(np.swapaxes(features, -1, -2))), -1, -2)

    @abstractmethod
    def along(self, lines: Floats) -> Doubles:
        """(..., features, epochs) -> the same, normalised: in one run each is done fastest."""

    @abstractmethod
    def of_places(self, places: Sequence[int]) -> Self:
        """The same for some of the features."""

    @abstractmethod
    def check(self, features: int) -> None:
        """Refuse, as ModelUnfit, what was made for other features."""


@dataclass(frozen=True)
class Fixed(Normalisation):
    """Mean and scale from training."""

    mean: Doubles  # (features,)
    scale: Doubles  # (features,), greater than 0
    kind: ClassVar[str] = "fixed"

    def along(self, lines: Floats) -> Doubles:
        normalised = (lines.astype(np.float64) - self.mean[:, None]) / self.scale[:, None]
        normalised[~np.isfinite(lines)] = np.nan
        return normalised

    def of_places(self, places: Sequence[int]) -> Self:
        chosen = list(places)
        return replace(self, mean=self.mean[chosen], scale=self.scale[chosen])

    def check(self, features: int) -> None:
        if self.mean.shape != (features,) or self.scale.shape != (features,):
            raise ModelUnfit(f"Mean {self.mean.shape}, scale {self.scale.shape}: {features} asked.")
        if not (np.isfinite(self.mean).all() and np.isfinite(self.scale).all()):
            raise ModelUnfit("A mean or scale is not a finite number.")
        if not (self.scale > 0).all():
            raise ModelUnfit("A scale is not greater than 0.")


@dataclass(frozen=True)
class RobustNight(Normalisation):
    """Median and interquartile range of the night itself, per feature, over what is known.

    A night is no longer than a recording may be."""

    limit: float = 10.0  # normalised values are kept within
    # (features,): the least spread that counts, for what hardly ever moves; none asks for none.
    floor: Doubles | None = None
    # (features,): greater than 0 where the logarithm of a magnitude is what counts, and then the
    # least magnitude that does.
    least: Doubles | None = None
    kind: ClassVar[str] = "night"

    def along(self, lines: Floats) -> Doubles:
        known = np.isfinite(lines)
        values = np.where(known, self._scaled(lines), UNKNOWN)
        low, median, high = _quartiles(values, known.sum(axis=-1))
        spread = (high - low) / NORMAL_IQR
        if self.floor is not None:
            np.maximum(spread, self.floor[:, None], out=spread)
        # A feature that never moves says nothing, and neither does one that was never known.
        scale = np.where(spread > 0, spread, 1.0)
        normalised = values - median
        normalised /= scale
        np.minimum(normalised, self.limit, out=normalised)
        return np.maximum(normalised, -self.limit, out=normalised)

    def of_places(self, places: Sequence[int]) -> Self:
        chosen = list(places)
        floor = None if self.floor is None else self.floor[chosen]
        least = None if self.least is None else self.least[chosen]
        return replace(self, floor=floor, least=least)

    def check(self, features: int) -> None:
        if not self.limit > 0:
            raise ModelUnfit(f"Normalised values kept within {self.limit}.")
        for given in (self.floor, self.least):
            if given is None:
                continue
            if given.shape != (features,) or not (np.isfinite(given) & (given >= 0)).all():
                raise ModelUnfit(f"Least spreads or magnitudes: {features} numbers from 0 on.")

    @cached_property
    def _magnitudes(self) -> Ints:
        return np.flatnonzero(np.empty(0) if self.least is None else self.least)

    def _scaled(self, lines: Floats) -> Floats:
        places = self._magnitudes
        if self.least is None or not len(places):
            return lines
        scaled = lines.copy()
        magnitude = np.abs(lines.take(places, axis=-2))
        with np.errstate(invalid="ignore"):
            scaled[..., places, :] = np.log(np.maximum(magnitude, self.least[places, None]))
        return scaled


def _quartiles(values: Floats, known: Ints) -> tuple[Doubles, Doubles, Doubles]:
    """(..., features, epochs), (..., features) -> three of (..., features, 1); NaN where nothing
    is known."""
    ordered = values.copy()
    ordered.sort(axis=-1)  # NaN goes to the end
    line = np.arange(0, ordered.size, ordered.shape[-1]).reshape(*known.shape, 1)
    one_two = ordered.take(_AROUND[known] + line).astype(np.float64)
    found, two = one_two[..., :3], one_two[..., 3:]
    found += (two - found) * _BETWEEN[known]
    return found[..., :1], found[..., 1:2], found[..., 2:]


def _shares_of(most: int) -> tuple[Ints, Doubles]:
    """Of each number up to the most, the places below the three shares and those above, and how
    far each is from the one to the other: (most + 1, 6), (most + 1, 3)."""
    last = np.maximum(np.arange(most + 1) - 1, 0)[:, None]
    place = SHARES * last
    below = place.astype(np.int64)
    return np.concatenate([below, np.minimum(below + 1, last)], axis=1), place - below


_AROUND, _BETWEEN = _shares_of(MAX_EPOCHS)
