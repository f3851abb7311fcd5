"""Sensor windows drawn from a seed, the same as firmware/tests/golden/random_ticks.h draws."""

import numpy as np
from numpy.typing import NDArray

from tests.contract.twin import Tick

Words = NDArray[np.uint64]


class TickSource:
    """One stream for each of many devices, in step; every value is shaped (devices,)."""

    def __init__(self, devices: int, seed: int) -> None:
        self.random: Words = (np.arange(devices, dtype=np.uint64) + np.uint64(seed)) % 2**32
        self.regime: Words = np.zeros(devices, np.uint64)

    def draw(self) -> NDArray[np.int64]:
        self.random = (self.random * np.uint64(1664525) + np.uint64(1013904223)) % 2**32
        return (self.random >> np.uint64(8)).astype(np.int64)

    def tick(self) -> Tick:
        change, choice = self.draw(), self.draw()
        self.regime = np.where(change % 64 == 0, choice.astype(np.uint64), self.regime)
        regime = self.regime.astype(np.int64)
        in_bed = np.where(self.draw() % 16 == 0, -1, (regime % 8 != 0).astype(np.int64))
        sleep = self.draw() % 5 - 1
        is_moving = (regime >> 3) % 4 == 0
        movement = self.draw()
        movement = np.where(movement % 16 == 0, -1, movement % np.where(is_moving, 101, 16))
        heart, breath = self.draw(), self.draw()
        heart = np.where(heart % 8 == 0, 30 + heart // 8 % 191, -1)
        breath = np.where(breath % 8 == 0, 4 + breath // 8 % 37, -1)
        has_wave = (self.draw() % 8 == 0) & ((regime >> 5) % 8 != 0)
        swing = np.where((regime >> 8) % 3 == 0, 3, 100)
        wave = np.stack([128 + self.draw() % swing for _ in range(5)], axis=1)
        has_accel = (self.draw() % 64 != 0) & ((regime >> 10) % 16 != 0)
        shake = self.draw() % np.where(is_moving, 2000, 300)
        tilts = [(regime >> (12 + 3 * axis)) % 8 * 1500 for axis in range(3)]
        accel = np.stack([tilt + self.draw() % 200 - 100 for tilt in tilts], axis=1)
        return Tick(in_bed, sleep, movement, heart, breath, has_wave, wave, has_accel, accel, shake)
