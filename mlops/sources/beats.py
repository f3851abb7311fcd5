"""From the beats of a heart to what a bedside device says of them: rate, breathing, spreads."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mlops.sources.nights import Doubles, Floats, columns, differences
from recordings.grid import EPOCH_S

Bools = NDArray[np.bool_]
# An interval of a sleeper, and how far it may be from the median of its neighbours.
SHORTEST_S, LONGEST_S = 0.3, 2.0
NEIGHBOURS, FURTHEST = 11, 0.2
FEWEST_BEATS = 5
# The tachogram, how far a beat may be for it to be known, and the seconds that tell of breathing.
RATE_HZ, LONGEST_GAP_S, BREATHING_S = 4, 4.0, 120
BREATHING_HZ = (0.13, 0.5)
FEWEST_KNOWN = 0.7


@dataclass(frozen=True)
class Beats:
    """Intervals that a normal beat ends, artefacts left out."""

    at_s: Doubles  # (beats,) from the night's start
    interval_s: Doubles  # (beats,)

    @classmethod
    def of(cls, at_s: NDArray[Any], interval_s: NDArray[Any], is_normal: NDArray[Any]) -> Self:
        at, interval = at_s.astype(np.float64), interval_s.astype(np.float64)
        is_good = is_normal.astype(bool) & np.isfinite(at) & np.isfinite(interval)
        is_good &= (interval >= SHORTEST_S) & (interval <= LONGEST_S)
        at, interval = at[is_good], interval[is_good]
        order = np.argsort(at, kind="stable")
        at, interval = at[order], interval[order]
        is_near = near_neighbours(interval)
        return cls(at[is_near], interval[is_near])


def near_neighbours(interval_s: Doubles) -> Bools:
    """(beats,) -> (beats,): near the running median, which a few bad beats do not move."""
    if len(interval_s) < NEIGHBOURS:
        return np.ones(len(interval_s), np.bool_)
    padded = np.pad(interval_s, NEIGHBOURS // 2, mode="reflect")
    median = np.median(sliding_window_view(padded, NEIGHBOURS), axis=-1)
    return np.asarray(np.abs(interval_s - median) <= FURTHEST * median)


def beat_columns(beats: Beats, epochs: int) -> Floats:
    """-> (epochs, 15): heart and breathing; all that beats do not tell is NaN."""
    heart, heart_spread = _heart(beats, epochs)
    breathing, breathing_spread, highest = _breathing(beats, epochs)
    return columns(
        epochs,
        {
            "hr_mean": heart,
            "hr_std": heart_spread,
            "dhr": differences(heart),
            "rr_mean": breathing,
            "rr_std": breathing_spread,
            # The highest peak jumps where the centre of all hardly moves: breath without a rhythm.
            "drr": differences(highest),
        },
    )


def _heart(beats: Beats, epochs: int) -> tuple[Doubles, Doubles]:
    """(epochs,) twice: mean and spread of the beats' rates in each epoch, in bpm."""
    epoch = np.floor(beats.at_s / EPOCH_S).astype(np.int64)
    is_in = (epoch >= 0) & (epoch < epochs)
    epoch, rate = epoch[is_in], 60 / beats.interval_s[is_in]
    count = np.bincount(epoch, minlength=epochs)
    enough = count >= FEWEST_BEATS
    divisor = np.where(enough, count, 1)
    mean = np.bincount(epoch, rate, epochs) / divisor
    apart = np.bincount(epoch, (rate - mean[epoch]) ** 2, epochs)
    spread = np.sqrt(apart / np.maximum(divisor - 1, 1))
    return np.where(enough, mean, np.nan), np.where(enough, spread, np.nan)


def _breathing(beats: Beats, epochs: int) -> tuple[Doubles, Doubles, Doubles]:
    """(epochs,) thrice: breaths a minute, their spread and their highest peak, as they sway the
    intervals."""
    line, is_known = tachogram(beats, epochs)
    length, step = BREATHING_S * RATE_HZ, EPOCH_S * RATE_HZ
    margin = (length - step) // 2
    windows, known = (
        sliding_window_view(np.pad(values, margin), length)[::step][:epochs]
        for values in (line, is_known.astype(np.float64))
    )
    centred = _without_trend(windows, known)
    power = np.abs(np.fft.rfft(centred * np.hanning(length), axis=-1)) ** 2
    hertz = np.fft.rfftfreq(length, 1 / RATE_HZ)
    in_band = (hertz >= BREATHING_HZ[0]) & (hertz <= BREATHING_HZ[1])
    power, per_minute = power[:, in_band], 60 * hertz[in_band]
    total = power.sum(axis=-1)
    enough = (known.mean(axis=-1) >= FEWEST_KNOWN) & (total > 0)
    divisor = np.where(enough, total, 1)
    centre = (power * per_minute).sum(axis=-1) / divisor
    apart = (per_minute - centre[:, None]) ** 2
    spread = np.sqrt((power * apart).sum(axis=-1) / divisor)
    highest = per_minute[power.argmax(axis=-1)]
    centre, spread, highest = (np.where(enough, one, np.nan) for one in (centre, spread, highest))
    return centre, spread, highest


def tachogram(beats: Beats, epochs: int) -> tuple[Doubles, Bools]:
    """(samples,) twice: the interval at 4 Hz between beats, and where beats are near enough."""
    at = np.arange(epochs * EPOCH_S * RATE_HZ) / RATE_HZ
    if len(beats.at_s) < FEWEST_BEATS:
        return np.zeros(len(at)), np.zeros(len(at), np.bool_)
    after = np.clip(np.searchsorted(beats.at_s, at), 1, len(beats.at_s) - 1)
    gap = beats.at_s[after] - beats.at_s[after - 1]
    is_between = (at >= beats.at_s[0]) & (at <= beats.at_s[-1])
    is_known = is_between & (gap <= LONGEST_GAP_S)
    return np.where(is_known, np.interp(at, beats.at_s, beats.interval_s), 0.0), is_known


def _without_trend(windows: Doubles, known: Doubles) -> Doubles:
    """(epochs, samples) twice -> (epochs, samples): less mean and slope; 0 where nothing is known.

    The slope is the whole window's: what is unknown holds the mean and hardly bends it."""
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    centred = (windows - (windows * known).sum(axis=-1, keepdims=True) / count) * known
    along = np.linspace(-1, 1, windows.shape[-1])
    slope = (centred @ along / (along @ along))[:, None]
    return np.asarray((centred - slope * along) * known)
