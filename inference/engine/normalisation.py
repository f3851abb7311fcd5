"""Features on one scale: the training's, or the night's own. A gap stays NaN here."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from inference.engine.faults import ModelUnfit
from inference.engine.nights import Bools, Doubles, Floats

# An interquartile range of a normal distribution is that many standard deviations.
NORMAL_IQR = 1.349


class Normalisation(Protocol):
    @property
    def kind(self) -> str: ...

    def apply(self, features: Floats) -> Doubles:
        """(..., epochs, features) -> the same, normalised; never looks across the leading axes."""
        ...

    def check(self, features: int) -> None:
        """Refuse, as ModelUnfit, what was made for other features."""
        ...


@dataclass(frozen=True)
class Fixed:
    """Mean and scale from training."""

    mean: Doubles  # (features,)
    scale: Doubles  # (features,), greater than 0
    kind: ClassVar[str] = "fixed"

    def apply(self, features: Floats) -> Doubles:
        normalised = (features.astype(np.float64) - self.mean) / self.scale
        normalised[~np.isfinite(features)] = np.nan
        return normalised

    def check(self, features: int) -> None:
        if self.mean.shape != (features,) or self.scale.shape != (features,):
            raise ModelUnfit(f"Mean {self.mean.shape}, scale {self.scale.shape}: {features} asked.")
        if not (np.isfinite(self.mean).all() and np.isfinite(self.scale).all()):
            raise ModelUnfit("A mean or scale is not a finite number.")
        if not (self.scale > 0).all():
            raise ModelUnfit("A scale is not greater than 0.")


@dataclass(frozen=True)
class RobustNight:
    """Median and interquartile range of the night itself, per feature, over what is known."""

    limit: float = 10.0  # normalised values are kept within
    # (features,): the least spread that counts, for what hardly ever moves; none asks for none.
    floor: Doubles | None = None
    # (features,): greater than 0 where the logarithm of a magnitude is what counts, and then the
    # least magnitude that does.
    least: Doubles | None = None
    kind: ClassVar[str] = "night"

    def apply(self, features: Floats) -> Doubles:
        is_known = np.isfinite(features)
        values = np.where(is_known, self._scaled(features), np.float32(np.nan))
        low, median, high = _quartiles(values, is_known)
        spread = (high - low) / NORMAL_IQR
        if self.floor is not None:
            spread = np.maximum(spread, self.floor)
        # A feature that never moves says nothing, and neither does one that was never known.
        scale = np.where(spread > 0, spread, 1.0)
        return np.clip((values - median) / scale, -self.limit, self.limit)

    def check(self, features: int) -> None:
        if not self.limit > 0:
            raise ModelUnfit(f"Normalised values kept within {self.limit}.")
        for given in (self.floor, self.least):
            if given is None:
                continue
            if given.shape != (features,) or not (np.isfinite(given) & (given >= 0)).all():
                raise ModelUnfit(f"Least spreads or magnitudes: {features} numbers from 0 on.")

    def _scaled(self, features: Floats) -> Floats:
        if self.least is None or not self.least.any():
            return features
        places = np.flatnonzero(self.least)
        scaled = features.copy()
        with np.errstate(invalid="ignore"):
            magnitude = np.maximum(np.abs(features[..., places]), self.least[places])
            scaled[..., places] = np.log(magnitude)
        return scaled


def _quartiles(values: Floats, is_known: Bools) -> tuple[Doubles, Doubles, Doubles]:
    """(..., epochs, features) -> three of (..., 1, features); NaN where nothing is known."""
    # The epochs side by side sort several times faster; NaN goes to the end.
    ordered = np.sort(np.swapaxes(values, -1, -2), axis=-1)
    last = np.maximum(is_known.sum(axis=-2) - 1, 0)
    found = []
    for share in (0.25, 0.5, 0.75):
        place = share * last
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, last)
        one = np.take_along_axis(ordered, below[..., None], axis=-1)[..., 0].astype(np.float64)
        two = np.take_along_axis(ordered, above[..., None], axis=-1)[..., 0]
        found.append((one + (two - one) * (place - below))[..., None, :])
    return found[0], found[1], found[2]
