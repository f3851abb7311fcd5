"""Quotients of which some are undefined: NaN inside, None at the edge, a warning never."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.number[Any]]


def ratio(part: Numbers, whole: Numbers) -> Floats:
    """NaN where the whole is nothing."""
    part, whole = np.broadcast_arrays(part, whole)
    quotient = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=quotient, where=whole != 0)
    return quotient


def mean_of_defined(values: Floats) -> Floats:
    """Over the last axis, of what is not NaN; NaN where nothing is left."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(-1), defined.sum(-1))


def or_none(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)


def listed(values: Floats) -> list[float | None]:
    return [or_none(value) for value in values]
