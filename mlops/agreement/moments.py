"""Count, mean and spread of several numbers over nights, to be added up without cancellation."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mlops.agreement.ratios import Floats, ratio


@dataclass(frozen=True)
class Moments:
    """Each (columns,); what a night cannot say is not counted."""

    count: NDArray[np.int64]
    mean: Floats
    squares: Floats  # sum of squared distances from the mean

    @classmethod
    def of(cls, values: Floats) -> Self:
        """One night's numbers, (columns,), NaN for what it cannot say."""
        said = ~np.isnan(values)
        return cls(said.astype(np.int64), np.where(said, values, 0.0), np.zeros(len(values)))

    @classmethod
    def none(cls, columns: int) -> Self:
        return cls.of(np.full(columns, np.nan))

    def __add__(self, other: "Moments") -> "Moments":
        """Chan's rule for two samples, which is also right where one of them is empty."""
        count = self.count + other.count
        apart = other.mean - self.mean
        share = np.nan_to_num(ratio(other.count, count))
        between = apart**2 * self.count * share
        mean = np.where(self.count == 0, other.mean, self.mean + apart * share)
        return Moments(count, mean, self.squares + other.squares + between)

    @property
    def means(self) -> Floats:
        return np.where(self.count > 0, self.mean, np.nan)

    @property
    def deviations(self) -> Floats:
        """Of the sample, so NaN below two nights."""
        return np.sqrt(ratio(self.squares, np.where(self.count > 1, self.count - 1, 0)))
