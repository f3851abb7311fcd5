"""What goes into the engine and what comes out: a night of features, a night of stages."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recordings.stages import UNSCORED

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.int8]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Night:
    """Epochs in the order of the recording's grid; a gap is a row of NaN, a missing value a NaN."""

    features: Floats  # (epochs, features)
    first_index: int = 0  # of the first row on the recording's grid

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Staged:
    """The stage of each epoch; no stage is -1 with NaN beside it.

    `stages` are codes of `recordings.stages` as the decoder decided; `probabilities` are
    calibrated, from before the decoder, in the order of the model's labels; `confidence` is the
    probability of the stage given.
    """

    stages: Codes  # (epochs,)
    probabilities: Floats  # (epochs, labels)
    confidence: Floats  # (epochs,)

    def __len__(self) -> int:
        return len(self.stages)

    @property
    def is_staged(self) -> Bools:
        return np.asarray(self.stages != UNSCORED)
