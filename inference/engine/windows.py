"""The run of epochs a model looks at to stage one of them, as views of one array."""

from dataclasses import dataclass

import numpy as np

from inference.engine.faults import ModelUnfit
from inference.engine.nights import Bools, Doubles, Floats, Ints
from recordings.grid import MAX_EPOCHS


@dataclass(frozen=True)
class Window:
    """Epochs before and after the one that is staged, and how many of all must be known."""

    before: int
    after: int
    minimum_known: int

    def __post_init__(self) -> None:
        if self.before < 0 or self.after < 0 or self.length > MAX_EPOCHS:
            raise ModelUnfit(f"A window of {self.before} before and {self.after} after.")
        if not 0 <= self.minimum_known <= self.length:
            raise ModelUnfit(f"{self.minimum_known} known of a window of {self.length}.")

    @property
    def length(self) -> int:
        return self.before + 1 + self.after

    def count_known(self, known: Bools) -> Ints:
        """(..., epochs) -> (..., epochs): the known epochs around each; outside is unknown."""
        epochs, begin = known.shape[-1], self.before + 1
        # Up to each epoch, level beyond both ends.
        until = np.zeros((*known.shape[:-1], epochs + self.length), dtype=np.int64)
        counted = until[..., begin : begin + epochs]
        np.add.accumulate(known, axis=-1, dtype=np.int64, out=counted)
        until[..., begin + epochs :] = until[..., begin + epochs - 1 : begin + epochs]
        return np.asarray(until[..., self.length :] - until[..., :epochs])

    def knows_enough(self, known: Bools) -> Bools:
        """(..., epochs) -> (..., epochs): whether each epoch may be staged."""
        return np.asarray(self.count_known(known) >= self.minimum_known)

    def pad(self, columns: Doubles, last: int) -> Doubles:
        """(batch, epochs, columns) -> (batch, before + last + after, columns), gaps being 0.

        What the windows of the last epochs reach over, in one run.
        """
        batch, epochs, width = columns.shape
        padded = np.zeros((batch, self.before + last + self.after, width))
        given = min(epochs, self.before + last)
        end = self.before + last
        padded[:, end - given : end] = columns[:, epochs - given :]
        return padded


def trailing(features: Floats, reach: int, newest: int) -> Floats:
    """(epochs, features) -> (newest, reach, features): what led up to each of the newest.

    A view, unless the recording is too young to reach that far: what was before it is a gap.
    """
    wanted = newest + reach - 1
    rows = features[max(len(features) - wanted, 0) :]
    if len(rows) < wanted:
        before = np.full((wanted - len(rows), features.shape[1]), np.nan, dtype=np.float32)
        rows = np.concatenate([before, rows])
    rows = np.ascontiguousarray(rows)
    row, column = rows.strides
    shape = (newest, reach, rows.shape[1])
    found = np.ndarray(shape, rows.dtype, rows, strides=(row, row, column))
    found.flags.writeable = False
    return found
