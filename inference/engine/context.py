"""What the epochs around one say of it: means, spreads, maxima and change over several reaches.

Sums run once along the night and are subtracted; no window is ever copied."""

import numpy as np

from inference.engine.nights import Bools, Doubles

# Epochs to each side: two to twenty minutes.
REACHES = (5, 10, 20, 40)
KINDS = ("mean", "spread", "most", "change")
WIDEST = max(REACHES)
# Below this a variance is what rounding left of none.
NOTHING = 1e-9


def names_of(channels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"{channel}_{kind}_{reach}" for reach in REACHES for kind in KINDS for channel in channels
    )


def fill(filled: Doubles, known: Bools, out: Doubles) -> None:
    """(..., channels, epochs) twice, 0 for gaps -> (..., reaches * kinds * channels, epochs).

    Over what is known within each reach, cut at both ends of the night; 0 where nothing is."""
    sums, highest = _Sums(filled, known), _Highest(filled, known)
    # A reach at a time: what one of them works on stays in the processor's cache.
    by_reach = out.reshape(*out.shape[:-2], len(REACHES), len(KINDS), *filled.shape[-2:])
    for place, reach in enumerate(REACHES):
        mean, spread, most, change = (by_reach[..., place, kind, :, :] for kind in range(4))
        total, count, squares = sums.around(reach)
        counted = np.maximum(count, 1)
        np.divide(total, counted, out=mean)
        squares /= counted
        squares -= np.multiply(mean, mean, out=total)
        squares[squares < NOTHING] = 0.0
        np.sqrt(squares, out=spread)
        highest.within(reach, out=most)
        most[count == 0] = 0.0
        _change(sums.runs(reach), reach, out=change)


def _change(runs: Doubles, reach: int, out: Doubles) -> None:
    """Of runs of so many epochs: the mean of what follows less that of what went before, itself in
    neither; 0 unless something of both is known."""
    total, count = runs
    known = count > 0
    total /= np.maximum(count, 1, out=count)
    np.subtract(total[..., reach + 1 :], total[..., : -reach - 1], out=out)
    out *= known[..., reach + 1 :] & known[..., : -reach - 1]


class _Sums:
    """Of values, how many are known, and squares: up to each epoch, level beyond both ends."""

    def __init__(self, filled: Doubles, known: Bools) -> None:
        """(..., channels, epochs), 0 for gaps."""
        self._epochs = filled.shape[-1]
        end = WIDEST + 1 + self._epochs
        self._until = np.zeros((3, *filled.shape[:-1], end + WIDEST))
        for values, sums in zip((filled, known, filled * filled), self._until, strict=True):
            np.cumsum(values, axis=-1, out=sums[..., WIDEST + 1 : end])
        self._until[..., end:] = self._until[..., end - 1 : end]

    def around(self, reach: int) -> Doubles:
        """-> (3, ..., channels, epochs): of the epochs within that reach of each."""
        first, end, until = WIDEST - reach, WIDEST + reach + 1, self._until
        return until[..., end : end + self._epochs] - until[..., first : first + self._epochs]

    def runs(self, length: int) -> Doubles:
        """-> (2, ..., channels, length + epochs + 1): values and how many are known, of so many
        epochs from each on; the first run ends before the night begins, the last begins after it.
        """
        first, last, until = WIDEST - length, WIDEST + self._epochs + 1, self._until[:2]
        return until[..., WIDEST : last + length] - until[..., first:last]


class _Highest:
    """Maxima of runs of two, four, eight … epochs: any longer run is two of them, overlapping.

    Asked for from the shortest reach to the longest."""

    def __init__(self, filled: Doubles, known: Bools) -> None:
        self._epochs, self._length = filled.shape[-1], 1
        self._runs = np.full((*filled.shape[:-1], self._epochs + 2 * WIDEST), -np.inf)
        inside = self._runs[..., WIDEST : WIDEST + self._epochs]
        np.copyto(inside, filled, where=known)

    def within(self, reach: int, out: Doubles) -> None:
        """-> (..., channels, epochs); the least there is where nothing is known."""
        wanted = 2 * reach + 1
        while 2 * self._length <= wanted:
            step, runs = self._length, self._runs
            self._runs, self._length = np.maximum(runs[..., :-step], runs[..., step:]), 2 * step
        first = WIDEST - reach
        np.maximum(self._at(first), self._at(first + wanted - self._length), out=out)

    def _at(self, place: int) -> Doubles:
        return self._runs[..., place : place + self._epochs]
