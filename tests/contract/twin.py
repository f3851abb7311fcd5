"""The 15 features as docs/FEATURES.md of the firmware defines them, in numpy, for many devices in
step. Written from the document; shares nothing with the C core but integers and one cosine table.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

EPOCH_TICKS = 300
FULL_SWING = 16384 // 10
TURN_SUM = 16384 * 8 // 100 * 20
BINS = range(3, 16)
F32 = np.float32


@dataclass
class Tick:
    """One window of 100 ms; (devices,) but for wave (devices, 5) and accel (devices, 3)."""

    in_bed: Ints
    sleep_state: Ints
    movement: Ints
    heart: Ints
    breath: Ints
    has_wave: Bools
    wave: Ints
    has_accel: Bools
    accel: Ints
    swing: Ints


def _cosines() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(ticks, bins) of the table in Q14; whole numbers: products sum exactly in float64."""
    table = np.array([round(16384 * np.cos(2 * np.pi * i / 300)) for i in range(300)], np.float64)
    turns = np.outer(np.arange(EPOCH_TICKS), np.array(BINS)) % 300
    return table[turns], table[(turns + 225) % 300]


COSINES, SINES = _cosines()


def _level(score: Ints, full: int) -> Ints:
    """0 still, 1 minor (above 15 % of full scale), 2 large (above 80 %)."""
    return (score * 100 > 15 * full).astype(np.int64) + (score * 100 > 80 * full)


def _share(part: Ints, whole: Ints) -> NDArray[np.float32]:
    known = np.where(whole == 0, 1, whole)
    return np.where(whole == 0, F32(np.nan), (100 * part).astype(F32) / known.astype(F32))


class Turnovers:
    """A burst of large movement, then two calm seconds with gravity elsewhere."""

    def __init__(self, devices: int) -> None:
        self.block = np.zeros((devices, 3), np.int64)
        self.rest = np.zeros((devices, 3), np.int64)
        self.calm = np.zeros(devices, np.int64)
        self.has_rest = np.zeros(devices, bool)
        self.is_disturbed = np.zeros(devices, bool)

    def step(self, tick: Tick, level: Ints) -> Bools:
        is_broken = ~tick.has_accel | (level == 2)
        self.is_disturbed |= tick.has_accel & (level == 2)
        self.block = np.where(is_broken[:, None], 0, self.block + tick.accel)
        self.calm = np.where(is_broken, 0, self.calm + 1)
        is_full = self.calm == 20
        distance = ((self.block - self.rest) ** 2).sum(axis=1)
        found = is_full & self.is_disturbed & self.has_rest & (distance > TURN_SUM**2)
        self.rest = np.where(is_full[:, None], self.block, self.rest)
        self.has_rest |= is_full
        self.is_disturbed &= ~is_full
        self.block = np.where(is_full[:, None], 0, self.block)
        self.calm = np.where(is_full, 0, self.calm)
        return found


class Pauses:
    """The breathing wave below a quarter of its usual swing for ten seconds."""

    def __init__(self, devices: int) -> None:
        self.low, self.high, self.amplitude16, self.silent, self.paused_for = np.zeros(
            (5, devices), np.int64
        )
        self.has_report, self.is_paused = np.zeros((2, devices), bool)

    def step(self, tick: Tick, is_moving: Bools) -> Bools:
        self._report(tick)
        is_lost = ~tick.has_wave & (self.silent > 50)
        for values in (self.low, self.high, self.amplitude16, self.silent, self.paused_for):
            values[is_lost] = 0
        self.has_report &= ~is_lost
        self.is_paused &= ~is_lost
        is_counting = self.is_paused & (tick.in_bed != 0) & ~is_moving
        self.paused_for = np.where(is_counting, np.minimum(self.paused_for + 1, 101), 0)
        return is_counting & (self.paused_for == 100)

    def _report(self, tick: Tick) -> None:
        low, high = tick.wave.min(axis=1), tick.wave.max(axis=1)
        both_low = np.where(self.has_report, np.minimum(low, self.low), low)
        both_high = np.where(self.has_report, np.maximum(high, self.high), high)
        swing16 = 16 * (both_high - both_low)
        is_paused = (self.amplitude16 >= 256) & (4 * swing16 < self.amplitude16)
        step = np.trunc((swing16 - self.amplitude16) / 8).astype(np.int64)
        heard = tick.has_wave
        self.is_paused = np.where(heard, is_paused, self.is_paused)
        self.amplitude16 = np.where(heard & ~is_paused, self.amplitude16 + step, self.amplitude16)
        self.low = np.where(heard, low, self.low)
        self.high = np.where(heard, high, self.high)
        self.has_report |= heard
        self.silent = np.where(heard, 0, self.silent + 1)


@dataclass
class Rates:
    """Sums of one rate over an epoch, and the mean of the epoch before."""

    count: Ints
    total: Ints
    squares: Ints
    before: NDArray[np.float32]
    before_epoch: int = -2

    def add(self, value: Ints) -> None:
        known = value != -1
        self.count += known
        self.total += np.where(known, value, 0)
        self.squares += np.where(known, value**2, 0)

    def close(self, epoch: int) -> list[NDArray[np.float32]]:
        count = np.maximum(self.count, 1).astype(F32)
        mean = np.where(self.count > 0, self.total.astype(F32) / count, F32(np.nan))
        numerator = (self.count * self.squares - self.total**2).astype(F32)
        pairs = np.maximum(self.count * (self.count - 1), 1).astype(F32)
        deviation = np.where(self.count >= 5, np.sqrt(numerator / pairs), F32(np.nan))
        is_adjacent = self.before_epoch + 1 == epoch
        change = mean - self.before if is_adjacent else np.full_like(mean, np.nan)
        self.before, self.before_epoch = mean, epoch
        for sums in (self.count, self.total, self.squares):
            sums[:] = 0
        return [mean, deviation, change]


def _rates(devices: int) -> Rates:
    zeros = np.zeros((3, devices), np.int64)
    return Rates(zeros[0], zeros[1], zeros[2], np.full(devices, np.nan, F32))


@dataclass
class Twin:
    """Extractors of many devices; ticks in, (devices, 15) float32 out at each close."""

    devices: int
    ticks: list[Tick] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.turnovers, self.pauses = Turnovers(self.devices), Pauses(self.devices)
        self.heart, self.breath = _rates(self.devices), _rates(self.devices)
        self.turned, self.paused = np.zeros((2, self.devices), np.int64)

    def tick(self, tick: Tick) -> None:
        if len(self.ticks) == EPOCH_TICKS:
            return
        radar, vib = _levels(tick)
        self.turned += self.turnovers.step(tick, vib)
        self.paused += self.pauses.step(tick, np.maximum(radar, vib) == 2)
        self.heart.add(tick.heart)
        self.breath.add(tick.breath)
        self.ticks.append(tick)

    def close(self, epoch: int, *, is_trusted: bool) -> NDArray[np.float32]:
        seen = _Seen(self.ticks, self.devices)
        hearts = self.heart.count.copy()
        columns = [
            _share(seen.bed_in, seen.bed_known),
            *self.heart.close(epoch),
            *self.breath.close(epoch),
            _share(seen.large, seen.move_known),
            _share(seen.minor, seen.move_known),
            np.where(seen.accel_ticks > 0, np.minimum(self.turned, 60), np.nan),
            np.where(seen.radar_ticks > 0, np.minimum(self.paused, 10), np.nan),
            seen.flags(is_trusted=is_trusted),
            _share(seen.vib_moving, seen.accel_ticks),
            seen.breathing(),
            seen.agreement(hearts),
        ]
        self.ticks = []
        self.turned[:] = 0
        self.paused[:] = 0
        return np.stack(columns, axis=1).astype(F32)


def _levels(tick: Tick) -> tuple[Ints, Ints]:
    radar = np.where(tick.movement == -1, 0, _level(tick.movement, 100))
    return radar, np.where(tick.has_accel, _level(tick.swing, FULL_SWING), 0)


class _Seen:
    """An epoch's ticks counted; each attribute (devices,)."""

    def __init__(self, ticks: list[Tick], devices: int) -> None:
        self.length, self.devices = len(ticks), devices
        self.bed_known, self.bed_in, self.radar_ticks, self.accel_ticks, self.move_known = np.zeros(
            (5, devices), np.int64
        )
        self.large, self.minor, self.vib_moving, self.both, self.away = np.zeros(
            (5, devices), np.int64
        )
        self.sleep = np.full(devices, -1, np.int64)
        self.accel = np.zeros((devices, 3, EPOCH_TICKS), np.int64)
        held, self.has_origin = np.zeros((devices, 3), np.int64), np.zeros(devices, bool)
        origin = np.zeros((devices, 3), np.int64)
        for number, tick in enumerate(ticks):
            self._count(tick)
            is_first = tick.has_accel & ~self.has_origin
            origin = np.where(is_first[:, None], tick.accel, origin)
            self.has_origin |= tick.has_accel
            held = np.where(tick.has_accel[:, None], tick.accel, held)
            self.accel[:, :, number] = held - origin

    def _count(self, tick: Tick) -> None:
        radar, vib = _levels(tick)
        level, has_radar = np.maximum(radar, vib), tick.movement != -1
        self.bed_known += tick.in_bed != -1
        self.bed_in += tick.in_bed == 1
        self.radar_ticks += has_radar
        self.accel_ticks += tick.has_accel
        self.move_known += has_radar | tick.has_accel
        self.large += level == 2
        self.minor += level == 1
        self.vib_moving += vib > 0
        self.both += (radar > 0) & (vib > 0)
        self.away += (tick.in_bed == 0) & (level > 0)
        self.sleep = np.where(tick.sleep_state == -1, self.sleep, tick.sleep_state)

    def flags(self, *, is_trusted: bool) -> Ints:
        flags = (self.radar_ticks >= 150) * 2 + (self.accel_ticks >= 240) * 4 + is_trusted * 8
        flags = flags + (self.length == EPOCH_TICKS)
        return np.where(self.sleep == -1, flags, flags + self.sleep * 16 + 64)

    def agreement(self, hearts: Ints) -> Ints:
        few_radar, few_hearts = self.radar_ticks < 150, hearts < 10
        return (self.both > 0) + (self.away > 0) * 2 + few_radar * 4 + few_hearts * 8

    def breathing(self) -> NDArray[np.float32]:
        """The share of the band 0.1 to 0.5 Hz; sums in float32, an axis and a bin at a time."""
        total = (300 * (self.accel**2).sum(axis=2) - self.accel.sum(axis=2) ** 2).sum(axis=1)
        signal = self.accel.astype(np.float64)
        real = (signal @ COSINES).astype(F32) / F32(16384)
        imaginary = (signal @ SINES).astype(F32) / F32(16384)
        band = np.zeros(self.devices, F32)
        for axis in range(3):
            for number in range(len(BINS)):
                a, b = real[:, axis, number], imaginary[:, axis, number]
                band = band + (a * a + b * b)
        known = np.where(total == 0, 1, total).astype(F32)
        share = np.where(total == 0, F32(0), np.minimum(F32(200) * band / known, F32(100)))
        is_known = (self.length == EPOCH_TICKS) & (self.accel_ticks >= 240)
        return np.where(is_known, share, F32(np.nan)).astype(F32)
