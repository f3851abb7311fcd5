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
# Up to so many numbers of one reach, a call costs more than its numbers: all reaches go at once.
# Of more, what one reach works on stays in the processor's cache.
FEW = 2_000


def names_of(channels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"{channel}_{kind}_{reach}" for reach in REACHES for kind in KINDS for channel in channels
    )


def fill(filled: Doubles, known: Bools, out: Doubles) -> None:
    """(..., channels, epochs) twice, 0 for gaps -> (..., reaches * kinds * channels, last): of the
    last epochs.

    Over what is known within each reach, cut at both ends of the night; 0 where nothing is."""
    channels, last = filled.shape[-2], out.shape[-1]
    sums, highest = _Sums(filled, known, last), _Highest(filled, known, last)
    by_reach = out.reshape(*out.shape[:-2], len(REACHES), len(KINDS), channels, last)
    at_once = len(REACHES) if out.size <= FEW * len(REACHES) * len(KINDS) else 1
    for place in range(0, len(REACHES), at_once):
        reaches = REACHES[place : place + at_once]
        some = by_reach[..., place : place + at_once, :, :, :]
        mean, spread, most, change = (some[..., kind, :, :] for kind in range(len(KINDS)))
        counted = _level(sums.around(reaches), mean, spread)
        highest.within(reaches, counted, out=most)
        _change(sums.both_sides(reaches), out=change)


def _level(sums: Doubles, mean: Doubles, spread: Doubles) -> Doubles:
    """Mean and standard deviation from three sums; returns how many each is over."""
    total, squares = sums[0], sums[2]
    count: Doubles = sums[1]
    counted = np.maximum(count, 1.0)
    np.divide(total, counted, out=mean)
    squares /= counted
    squares -= np.multiply(mean, mean, out=total)
    squares *= squares >= NOTHING
    np.sqrt(squares, out=spread)
    return count


def _change(sides: Doubles, out: Doubles) -> None:
    """(2 sides, 2 sums, ...): the mean of what follows less that of what went before, itself in
    neither; 0 unless something of both is known."""
    total, count = sides[:, 0], sides[:, 1]
    are_known = count[0] * count[1] > 0
    total /= np.maximum(count, 1.0, out=count)
    np.subtract(total[0], total[1], out=out)
    out *= are_known


class _Sums:
    """Of values, how many are known, and squares: up to each epoch, level beyond both ends."""

    def __init__(self, filled: Doubles, known: Bools, last: int) -> None:
        """(..., channels, epochs), 0 for gaps."""
        epochs = filled.shape[-1]
        each = np.empty((3, *filled.shape))
        each[0], each[1] = filled, known
        np.multiply(filled, filled, out=each[2])
        begin, end = WIDEST + 1, WIDEST + 1 + epochs
        self._until = np.empty((3, *filled.shape[:-1], end + WIDEST))
        self._until[..., :begin] = 0.0
        np.add.accumulate(each, axis=-1, out=self._until[..., begin:end])
        self._until[..., end:] = self._until[..., end - 1 : end]
        self._first, self._last = WIDEST + epochs - last, last

    def around(self, reaches: tuple[int, ...]) -> Doubles:
        """-> (3, ..., reaches, channels, last): of the epochs within each reach of each."""
        found = self._room(3, reaches=len(reaches))
        for place, reach in enumerate(reaches):
            np.subtract(self._up_to(reach + 1), self._up_to(-reach), out=found[..., place, :, :])
        return found

    def both_sides(self, reaches: tuple[int, ...]) -> Doubles:
        """-> (2 sides, 2 sums, ..., reaches, channels, last): values and how many are known, of
        the epochs that follow each within reach, and of those before it."""
        found = self._room(2, 2, reaches=len(reaches))
        itself, after = self._up_to(0)[:2], self._up_to(1)[:2]
        for place, reach in enumerate(reaches):
            np.subtract(self._up_to(reach + 1)[:2], after, out=found[0, ..., place, :, :])
            np.subtract(itself, self._up_to(-reach)[:2], out=found[1, ..., place, :, :])
        return found

    def _room(self, *sums: int, reaches: int) -> Doubles:
        *before, channels, _ = self._until.shape[1:]
        return np.empty((*sums, *before, reaches, channels, self._last))

    def _up_to(self, away: int) -> Doubles:
        """(3, ..., channels, last): of all epochs before the one so far away."""
        first = self._first + away
        return self._until[..., first : first + self._last]


class _Highest:
    """Maxima of runs of two, four, eight … epochs: any longer run is two of them, overlapping.

    Asked for from the shortest reach to the longest."""

    def __init__(self, filled: Doubles, known: Bools, last: int) -> None:
        epochs = filled.shape[-1]
        self._length, self._first, self._last = 1, WIDEST + epochs - last, last
        self._runs = np.full((*filled.shape[:-1], epochs + 2 * WIDEST), -np.inf)
        np.copyto(self._runs[..., WIDEST : WIDEST + epochs], filled, where=known)

    def within(self, reaches: tuple[int, ...], counted: Doubles, out: Doubles) -> None:
        """-> (..., reaches, channels, last); 0 where `counted`, of what is known there, is."""
        for place, reach in enumerate(reaches):
            wanted = 2 * reach + 1
            while 2 * self._length <= wanted:
                step, runs = self._length, self._runs
                self._runs, self._length = np.maximum(runs[..., :-step], runs[..., step:]), 2 * step
            first = self._first - reach
            last = first + wanted - self._length
            np.maximum(self._at(first), self._at(last), out=out[..., place, :, :])
        np.copyto(out, 0.0, where=counted == 0)

    def _at(self, place: int) -> Doubles:
        return self._runs[..., place : place + self._last]
