"""What a model saw in training, as its manifest says it: where values are cut, and their shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

BINS = 10

Floats = NDArray[np.float64]


class UnfitReference(ValueError):
    """The manifest says nothing that nights could be compared with."""


@dataclass(frozen=True)
class Reference:
    """Of a feature that was mostly one value several tenths are one: the last bins stay empty."""

    features: tuple[str, ...]
    labels: tuple[str, ...]
    edges: Floats  # (features, BINS - 1), infinite where there is no further edge
    shares: Floats  # (features, BINS)
    night_mean: Floats  # (features,), NaN for a feature that training never saw
    night_spread: Floats  # (features,)
    stages: Floats  # (labels,)
    nights: int

    @classmethod
    def read(cls, told: Mapping[str, Any], features: Sequence[str], labels: Sequence[str]) -> Self:
        """From `drift_reference` of a manifest, in the order of the model's features and labels."""
        try:
            rows = [told["features"][name] for name in features]
            stages = [told["stages"][label] for label in labels]
            return cls(
                features=tuple(features),
                labels=tuple(labels),
                edges=np.array([_filled(row["edges"], BINS - 1, np.inf) for row in rows]),
                shares=np.array([_filled(row["shares"], BINS, 0.0) for row in rows]),
                night_mean=_line([row["night_mean"] for row in rows]),
                night_spread=_line([row["night_spread"] for row in rows]),
                stages=_line(stages),
                nights=int(float(told["nights"])),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            # JSON has whole numbers that no float holds.
            raise UnfitReference(f"drift_reference: {error}") from None

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """(features,): whether training saw the feature at all."""
        return np.isfinite(self.night_mean)


def _line(values: Sequence[Any]) -> Floats:
    """(values,): a number each, and none for null."""
    found = np.array(values, np.float64)
    if found.ndim != 1:
        raise ValueError("lists where numbers are expected")
    return found


def _filled(values: Sequence[float], length: int, empty: float) -> list[float]:
    if len(values) > length:
        raise ValueError(f"{len(values)} values where {length} are the most")
    return [*map(float, values), *[empty] * (length - len(values))]
