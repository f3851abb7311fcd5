"""From columns to logits without a network: the linear softmax, and the clock."""

from dataclasses import dataclass
from typing import Protocol

from inference.engine.nights import Doubles, Floats, Ints
from inference.engine.windows import Window


class Head(Protocol):
    kind: str

    def logits(self, columns: Doubles, index: Ints, last: int) -> Doubles:
        """(batch, epochs, columns), (batch, epochs) -> (batch, last, labels): the last epochs'.

        What lies outside of the epochs given is a gap.
        """
        ...

    def check(self, columns: int, labels: int) -> None:
        """Refuse a head of other than so many columns and labels."""
        ...


@dataclass(frozen=True)
class Linear:
    window: Window
    weights: Floats  # (window * columns, labels), the earliest epoch of the window first
    bias: Floats  # (labels,)
    kind: str = "linear"


@dataclass(frozen=True)
class Clock:
    """Knows only how long the recording has been running; the yardstick for all others."""

    table: Floats  # (bins, labels) logits; the last bin goes on for ever
    epochs_per_bin: int
    kind: str = "clock"
