"""The run of epochs a model looks at to stage one of them, as views of one array."""

from dataclasses import dataclass

import numpy as np

from inference.engine.faults import ModelUnfit
from inference.engine.nights import Bools, Ints

LONGEST_WINDOW = 2_880  # epochs, a day


@dataclass(frozen=True)
class Window:
    """Epochs before and after the one that is staged, and how many of all must be known."""

    before: int
    after: int
    minimum_known: int

    def __post_init__(self) -> None:
        if self.before < 0 or self.after < 0 or self.length > LONGEST_WINDOW:
            raise ModelUnfit(f"A window of {self.before} before and {self.after} after.")
        if not 0 <= self.minimum_known <= self.length:
            raise ModelUnfit(f"{self.minimum_known} known of a window of {self.length}.")

    @property
    def length(self) -> int:
        return self.before + 1 + self.after

    def count_known(self, known: Bools) -> Ints:
        """(..., epochs) -> (..., epochs): the known epochs around each; outside is unknown."""
        raise NotImplementedError

    def knows_enough(self, known: Bools) -> Bools:
        """(..., epochs) -> (..., epochs): whether each epoch may be staged."""
        return np.asarray(self.count_known(known) >= self.minimum_known)
