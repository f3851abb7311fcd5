"""Nights whose true stages are known, as models are trained and judged on them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.engine import Night
from mlops.sources import SourceNight
from recordings.stages import UNSCORED, shown_places

UNKNOWN = UNSCORED


@dataclass(frozen=True)
class LabelledNight:
    """Stages are places in a model's labels, -1 where nobody knows."""

    subject: str
    features: NDArray[np.float32]  # (epochs, features), NaN for a gap
    stages: NDArray[np.int8]  # (epochs,)
    source: str = ""
    name: str = ""

    @property
    def night(self) -> Night:
        return Night(self.features)

    @property
    def person(self) -> tuple[str, str]:
        """Two data sets may call two people the same."""
        return self.source, self.subject


def labelled(nights: Iterable[SourceNight]) -> list[LabelledNight]:
    """In the four stages that are shown."""
    return [
        LabelledNight(
            night.subject, night.features, shown_places(night.codes), night.source, night.name
        )
        for night in nights
    ]
