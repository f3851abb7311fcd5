"""A night of somebody's recording in the device's features, with what its scorer said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recordings.grid import MAX_EPOCHS
from recordings.schemas import ACTIVE_VERSION, SHIPPED

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Codes = NDArray[np.int8]

SCHEMA: Final = SHIPPED[ACTIVE_VERSION]
COLUMNS: Final = tuple(feature.name for feature in SCHEMA)


@dataclass(frozen=True)
class SourceNight:
    """Stages as codes of `recordings.stages`, as fine as they came; -1 where nobody scored."""

    source: str  # the data set, such as slpdb
    name: str  # of the record within it
    subject: str  # several records may share one
    features: Floats  # (epochs, 15), NaN for what is missing
    codes: Codes  # (epochs,)

    def __len__(self) -> int:
        return len(self.features)


def columns(epochs: int, known: Mapping[str, Doubles]) -> Floats:
    """(epochs,) by a feature's name -> (epochs, 15): NaN for all others and out of range."""
    features = np.full((min(epochs, MAX_EPOCHS), len(COLUMNS)), np.nan, np.float32)
    for name, values in known.items():
        place = COLUMNS.index(name)
        low, high = SCHEMA[place].minimum, SCHEMA[place].maximum
        is_good = (values >= (-np.inf if low is None else low)) & (
            values <= (np.inf if high is None else high)
        )
        features[:, place] = np.where(is_good, values, np.nan)[:MAX_EPOCHS]
    return features


def differences(values: Doubles) -> Doubles:
    """(epochs,) -> (epochs,): to the epoch before, where both are known."""
    return np.diff(values, prepend=np.nan)
