"""From columns to logits without a network: the linear softmax, and the clock."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.lib.stride_tricks import as_strided

from inference.engine.faults import ModelUnfit
from inference.engine.nights import Bools, Doubles, Floats, Ints
from inference.engine.windows import Window


class Head(Protocol):
    @property
    def kind(self) -> str: ...

    def logits(self, columns: Doubles, index: Ints, window: Window, last: int) -> Doubles:
        """(batch, epochs, columns), (batch, epochs) -> (batch, last, labels): the last epochs'.

        What lies outside of the epochs given is a gap.
        """
        ...

    def check(self, columns: int, labels: int, window: Window) -> None:
        """Refuse, as ModelUnfit, a head made for other columns, labels or windows."""
        ...


@dataclass(frozen=True)
class Linear:
    # (window * columns, labels), the earliest epoch of the window first; or (columns, labels), of
    # the epoch itself, where its columns already say what is around it.
    weights: Floats
    bias: Floats  # (labels,)
    kind: ClassVar[str] = "linear"

    def is_own(self, columns: int) -> bool:
        """Whether the weights are those of one epoch, and not of a window."""
        return len(self.weights) == columns

    def own(self, sides: int) -> "Own":
        """The weights of one epoch, by the kinds of night that its columns tell apart."""
        by_side = self.weights.astype(np.float64).reshape(sides, -1, len(self.bias))
        return Own(np.ascontiguousarray(by_side.transpose(0, 2, 1)), self.bias[:, None])

    def logits(self, columns: Doubles, index: Ints, window: Window, last: int) -> Doubles:
        """Each epoch's columns times the weights of each place in a window, then along windows."""
        if self.is_own(columns.shape[-1]):
            own = columns[:, columns.shape[1] - last :]
            return np.asarray(own @ self.weights.astype(np.float64) + self.bias)
        padded = window.pad(columns, last)
        batch, length, width = padded.shape
        labels, places = len(self.bias), window.length
        by_place = self.weights.reshape(places, width, labels).transpose(1, 0, 2)
        parts = padded.reshape(-1, width) @ by_place.reshape(width, -1).astype(np.float64)
        step = parts.itemsize
        row = places * labels * step
        # (batch, last, places, labels): place p of the window at epoch i is epoch i + p.
        along = as_strided(
            parts, (batch, last, places, labels), (length * row, row, row + labels * step, step)
        )
        return np.asarray(np.einsum("bips->bis", along) + self.bias)

    def check(self, columns: int, labels: int, window: Window) -> None:
        shape = (window.length * columns, labels)
        own = (columns, labels)
        if self.weights.shape not in (shape, own) or self.bias.shape != (labels,):
            raise ModelUnfit(
                f"Weights {self.weights.shape} and bias {self.bias.shape}, "
                f"but the window, columns and labels ask for {shape} and {(labels,)}."
            )
        if not (np.isfinite(self.weights).all() and np.isfinite(self.bias).all()):
            raise ModelUnfit("A weight is not a finite number.")


@dataclass(frozen=True)
class Own:
    """The linear head once more, without the places of columns that are 0 for a kind of night."""

    weights: Doubles  # (kinds, labels, columns)
    bias: Floats  # (labels, 1)

    def logits(self, columns: Doubles, are_apart: Bools) -> Doubles:
        """(batch, columns, epochs), (batch,) -> (batch, epochs, labels)."""
        found = self.weights[are_apart.astype(np.intp)] @ columns
        found += self.bias
        return np.swapaxes(found, -1, -2)


@dataclass(frozen=True)
class Clock:
    """Knows only how long the recording has been running; the yardstick for all others."""

    table: Floats  # (bins, labels) logits; the last bin goes on for ever
    epochs_per_bin: int
    kind: ClassVar[str] = "clock"

    def logits(self, columns: Doubles, index: Ints, window: Window, last: int) -> Doubles:
        bins = np.clip(index[:, index.shape[1] - last :] // self.epochs_per_bin, 0, self._last_bin)
        return self.table[bins].astype(np.float64)

    def check(self, columns: int, labels: int, window: Window) -> None:
        if self.table.ndim != 2 or len(self.table) == 0 or self.table.shape[1] != labels:
            raise ModelUnfit(f"A table {self.table.shape} for {labels} labels.")
        if self.epochs_per_bin < 1 or not np.isfinite(self.table).all():
            raise ModelUnfit("A bin without epochs, or a logit that is not a finite number.")

    @property
    def _last_bin(self) -> int:
        return len(self.table) - 1
