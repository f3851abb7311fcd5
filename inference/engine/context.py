"""What the epochs around one say of it: means, spreads, maxima and change over several reaches.

Sums run once along the night and are subtracted; no window is ever copied."""

from dataclasses import dataclass

import numpy as np

from inference.engine.nights import Doubles, Ints

# Epochs to each side: one to ten minutes.
REACHES = (2, 5, 10, 20)
KINDS = ("mean", "spread", "most", "change")
# Below this a sum of squares is what rounding left of one.
NOTHING = 1e-9


@dataclass(frozen=True)
class _Around:
    """Places in sums along the epochs: where each epoch's neighbourhood begins, turns and ends."""

    first: Ints
    here: Ints
    end: Ints

    @classmethod
    def of(cls, epochs: int, reach: int) -> "_Around":
        here = np.arange(epochs)
        return cls(np.maximum(here - reach, 0), here, np.minimum(here + reach + 1, epochs))


def columns_of(channels: Doubles) -> Doubles:
    """(..., epochs, channels), NaN for gaps -> (..., epochs, reaches * kinds * channels).

    Over what is known within each reach, cut at both ends of the night; 0 where nothing is."""
    values = np.moveaxis(channels, -1, -2)
    is_known = ~np.isnan(values)
    filled = np.where(is_known, values, 0.0)
    sums = _running(np.stack([filled, filled * filled, is_known.astype(np.float64)]))
    highest = _Highest(np.where(is_known, values, -np.inf))
    made = [_over(sums, highest, reach) for reach in REACHES]
    return np.moveaxis(np.concatenate(made, axis=-2), -2, -1)


def names_of(channels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"{channel}_{kind}_{reach}" for reach in REACHES for kind in KINDS for channel in channels
    )


def _over(sums: Doubles, highest: "_Highest", reach: int) -> Doubles:
    """-> (..., kinds * channels, epochs)."""
    around = _Around.of(sums.shape[-1] - 1, reach)
    begun, ended = sums[..., around.first], sums[..., around.end]
    total, squares, count = ended - begun
    known = np.maximum(count, 1)
    mean = total / known
    spread = np.sqrt(np.maximum(squares / known - mean * mean, 0.0))
    spread[spread < NOTHING**0.5] = 0.0
    return np.concatenate([mean, spread, highest.within(reach), _change(sums, around)], axis=-2)


def _change(sums: Doubles, around: _Around) -> Doubles:
    """The mean of what follows less that of what went before, itself in neither."""
    before = sums[..., around.here] - sums[..., around.first]
    after = sums[..., around.end] - sums[..., around.here + 1]
    are_both = (before[2] > 0) & (after[2] > 0)
    change = after[0] / np.maximum(after[2], 1) - before[0] / np.maximum(before[2], 1)
    return np.asarray(np.where(are_both, change, 0.0))


class _Highest:
    """Maxima of runs of two, four, eight … epochs: any longer run is two of them, overlapping."""

    def __init__(self, values: Doubles) -> None:
        """(..., channels, epochs), -inf for gaps."""
        widest = max(REACHES)
        pad = [(0, 0)] * (values.ndim - 1) + [(widest, widest)]
        self._runs = [np.pad(values, pad, constant_values=-np.inf)]
        self._epochs, self._widest = values.shape[-1], widest

    def within(self, reach: int) -> Doubles:
        length = 2 * reach + 1
        power = length.bit_length() - 1
        while len(self._runs) <= power:
            step, run = 1 << (len(self._runs) - 1), self._runs[-1]
            self._runs.append(np.maximum(run[..., :-step], run[..., step:]))
        run, begin = self._runs[power], self._widest - reach
        other = begin + length - (1 << power)
        most = np.maximum(
            run[..., begin : begin + self._epochs], run[..., other : other + self._epochs]
        )
        most[np.isneginf(most)] = 0.0
        return np.asarray(most)


def _running(values: Doubles) -> Doubles:
    """Sums up to each epoch and, first, up to none."""
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=sums[..., 1:])
    return sums
