"""What the device makes of a sleeper: misread rates, an empty bed, dropouts, its flags."""

import numpy as np
from numpy.typing import NDArray

from mlops.simulator.signals import Signal, Sleeper
from mlops.simulator.tables import BREATHING, HEART, Rate, W

Mask = NDArray[np.bool_]  # (epochs,)
Signals = dict[str, Signal]
RATES = ("hr_mean", "hr_std", "rr_mean", "rr_std")
MOVEMENTS = ("large_move_pct", "minor_move_pct")
LONGEST_ABSENCE = 16
# As the firmware numbers the bits of `flags` and of `agree_flags`.
COMPLETE, RADAR_FRESH, ACCELEROMETER_FRESH, CLOCK_TRUSTED, STATE_SHIFT, STATE_KNOWN = (
    1,
    2,
    4,
    8,
    4,
    64,
)
BOTH_MOVE, OUT_BUT_MOVING, FEW_RADAR, FEW_HEART = 1, 2, 4, 8
SAYS_DEEP, SAYS_LIGHT, SAYS_AWAKE, SAYS_NOTHING = range(4)


def misread(who: Sleeper, signals: Signals) -> None:
    """Half the rate or twice it, in 1 to 3 % of the epochs."""
    for name, rate, chance in (("hr_mean", HEART, 0), ("rr_mean", BREATHING, 1)):
        kind = "heart_error" if rate is HEART else "breathing_error"
        signals[name] = _misread(signals[name], who.waves[kind], who.chances[chance], rate)


def _misread(rates: Signal, wave: Signal, chance: float, rate: Rate) -> Signal:
    share = 0.005 + 0.01 * chance
    is_half, is_double = wave < np.quantile(wave, share), wave > np.quantile(wave, 1 - share)
    read = np.select([is_half, is_double], [rates / 2, rates * 2], rates)
    return np.asarray(np.clip(read, *rate.limits))


def absences(who: Sleeper) -> Mask:
    """Out of bed up to three times, each within a time awake that is long enough."""
    is_awake = np.concatenate([[False], who.stages == W, [False]])
    begins, ends = np.flatnonzero(np.diff(is_awake.astype(np.int8))).reshape(-1, 2).T
    # The first is falling asleep.
    fits = np.flatnonzero((ends - begins >= 5) & (begins > 0))
    wanted = min(int(4 * who.chances[2]), len(fits))
    out = np.zeros(len(who.stages), np.bool_)
    for bout in who.rest.permutation(fits)[:wanted]:
        begin = begins[bout] + 1
        out[begin : min(ends[bout] - 1, begin + LONGEST_ABSENCE)] = True
    return out


def leave_bed(signals: Signals, out: Mask) -> None:
    """There is nobody to be measured; the epochs that leave and come back see much movement."""
    edge = out & ~(np.roll(out, 1) & np.roll(out, -1))
    signals["in_bed_pct"] = np.select([edge, out], [40.0, 0.0], 100.0)
    for name in RATES:
        signals[name] = np.where(out, np.nan, signals[name])
    for name in (*MOVEMENTS, "vib_move_pct"):
        signals[name] = np.select([edge, out], [35.0, 0.0], signals[name])
    for name in ("vib_resp_q", "apnea_delta", "turnovers_delta"):
        signals[name] = np.where(out, 0.0, signals[name])


def dropouts(who: Sleeper) -> tuple[Mask, Mask]:
    """Where the radar was lost, 3 to 15 % of the epochs in bursts; and where all was."""
    share = 0.03 + 0.12 * who.chances[3]
    wave = who.waves["dropout"]
    return wave > np.quantile(wave, 1 - share), wave > np.quantile(wave, 1 - share / 3)


def lose_radar(signals: Signals, lost: Mask) -> None:
    for name in (*RATES, *MOVEMENTS, "apnea_delta", "in_bed_pct"):
        signals[name] = np.where(lost, np.nan, signals[name])


def differences(signals: Signals) -> None:
    """To the epoch before, where both are known."""
    for name, rate in (("dhr", "hr_mean"), ("drr", "rr_mean")):
        signals[name] = np.diff(signals[rate], prepend=np.nan)


def flags(who: Sleeper, signals: Signals, radar_lost: Mask) -> None:
    moved = np.nan_to_num(signals["large_move_pct"] + signals["minor_move_pct"])
    shaken = signals["vib_move_pct"]
    state = np.select([moved > 20, who.waves["quality"] > 0.8], [SAYS_AWAKE, SAYS_DEEP], SAYS_LIGHT)
    state = np.where(np.isnan(signals["hr_mean"]), SAYS_NOTHING, state)
    whole = COMPLETE + ACCELEROMETER_FRESH + CLOCK_TRUSTED
    fresh = np.where(radar_lost, 0, RADAR_FRESH)
    known = np.where(state == SAYS_NOTHING, 0, STATE_KNOWN)
    signals["flags"] = (whole + fresh + known + (state << STATE_SHIFT)).astype(np.float64)
    agree = np.where((moved > 0) & (shaken > 0), BOTH_MOVE, 0)
    agree += np.where((signals["in_bed_pct"] == 0) & (shaken > 0), OUT_BUT_MOVING, 0)
    agree += np.where(radar_lost, FEW_RADAR, 0)
    agree += np.where(np.isnan(signals["hr_mean"]), FEW_HEART, 0)
    signals["agree_flags"] = agree.astype(np.float64)
