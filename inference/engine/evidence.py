"""Whether an epoch says anything of a sleeper; what does not is a gap, whatever else was sent."""

import numpy as np

from inference.engine.nights import Bools, Floats

Names = tuple[str, ...]


def is_known(values: Floats, features: Names, evidence: Names) -> Bools:
    """(epochs, features) -> (epochs,): whether a feature of the evidence is a number but 0.

    A rate is never 0, and where nothing moves there may be nobody."""
    told = values[:, [features.index(name) for name in evidence]]
    return np.asarray((np.isfinite(told) & (told != 0)).any(axis=1))


def without_unknown(values: Floats, features: Names, evidence: Names) -> Floats:
    """(epochs, features) -> the same, rows of NaN for what is unknown: flags are no sleeper."""
    known = is_known(values, features, evidence)
    return np.where(known[:, None], values, np.float32(np.nan)).astype(np.float32, copy=False)
