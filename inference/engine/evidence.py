"""Whether an epoch says anything of a sleeper; what does not is a gap, whatever else was sent."""

from functools import lru_cache

import numpy as np

from inference.engine.nights import Bools, Floats, Ints

Names = tuple[str, ...]


def is_known(values: Floats, features: Names, evidence: Names) -> Bools:
    """(epochs, features) -> (epochs,): whether a feature of the evidence is a number but 0.

    A rate is never 0, and where nothing moves there may be nobody."""
    told = values.take(_places(features, evidence), axis=1)
    says = np.isfinite(told)
    says &= told != 0
    return np.asarray(says.any(axis=1))


@lru_cache
def _places(features: Names, evidence: Names) -> Ints:
    return np.array([features.index(name) for name in evidence], np.int64)


def without_unknown(values: Floats, features: Names, evidence: Names) -> Floats:
    """(epochs, features) -> the same, rows of NaN for what is unknown: flags are no sleeper.

    Where all is known, the very same."""
    known = is_known(values, features, evidence)
    if known.all():
        return values.astype(np.float32, copy=False)
    return np.where(known[:, None], values, np.float32(np.nan)).astype(np.float32, copy=False)
