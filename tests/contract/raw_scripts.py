"""Nights in miniature as bytes on the two wires: a minute in bed, then epochs that are kept."""

import random
import struct
from collections.abc import Iterator

import numpy as np

from tests.contract import layout
from tests.contract.raw import FRESH_WINDOWS

# A window: how often, what the radar sent, what the accelerometer's FIFO held.
Window = tuple[int, bytes, bytes]

# The night begins with window number 600: the tick of the sixtieth second in bed is its first.
LEAD_IN, EPOCH = 599, 300
REPORTS = {
    "presence": (0x80, 0x01),
    "movement": (0x80, 0x03),
    "bed": (0x84, 0x01),
    "sleep": (0x84, 0x02),
    "heart": (0x85, 0x02),
    "breath": (0x81, 0x02),
}


def said(**values: int) -> bytes:
    return b"".join(layout.radar_frame(*REPORTS[name], bytes([v])) for name, v in values.items())


def answered(**values: int) -> bytes:
    """The same as an answer to a query: the command has its top bit set."""
    pairs = ((REPORTS[name], value) for name, value in values.items())
    return b"".join(layout.radar_frame(c, k | 0x80, bytes([v])) for (c, k), v in pairs)


def wave(swing: int) -> bytes:
    return layout.radar_frame(0x81, 0x05, bytes(128 + swing * s // 2 for s in (-1, 1, -1, 1, 0)))


def fifo(*samples: tuple[int, int, int]) -> bytes:
    return b"".join(struct.pack(">3h", *sample) for sample in samples)


FLAT = fifo(*[(0, 0, 16384)] * 5)
SIDE = fifo(*[(9000, -200, 13600)] * 5)
SHAKEN = fifo((0, 0, 16384), (1200, 0, 15000), (-1300, 40, 17000), (900, 0, 16000), (0, -1, 16384))
IN_BED = said(presence=1, bed=1)


def minute_in_bed() -> Iterator[Window]:
    """Said every five seconds, which is as long as a value is fresh."""
    for start in range(0, LEAD_IN, FRESH_WINDOWS):
        yield 1, IN_BED, FLAT
        yield min(FRESH_WINDOWS, LEAD_IN - start) - 1, b"", FLAT


def second(uart: bytes, accel: bytes = FLAT) -> Iterator[Window]:
    yield 1, IN_BED + uart, accel
    yield 9, b"", accel


def quiet(seconds: int = 30) -> Iterator[Window]:
    for i in range(seconds):
        rates = said(heart=52 + i % 7, sleep=i % 3) + answered(breath=13 + i % 3, movement=i % 20)
        yield from second(rates + wave(60))


def quiet_sleeper() -> Iterator[Window]:
    yield from quiet()
    yield from quiet()


def none_is_no_number() -> Iterator[Window]:
    """0 and 255 mean "none"; so does a value out of its range, and one older than five seconds."""
    for i in range(12):
        yield from second(said(heart=(0, 255, 29, 221)[i % 4], breath=(0, 3, 41, 255)[i % 4]))
    yield from second(said(movement=255, sleep=3, heart=60))
    yield from second(said(movement=90, sleep=4, breath=14))
    yield 160, b"", FLAT


def turn_over() -> Iterator[Window]:
    yield from quiet(10)
    for _ in range(2):
        yield from second(said(movement=95, heart=70), SHAKEN)
    for i in range(18):
        yield from second(said(movement=0, heart=64 + i % 2) + wave(50), SIDE)


def breath_held() -> Iterator[Window]:
    for i in range(30):
        yield from second(wave(70 if i < 14 or i > 27 else 4) + said(breath=12, movement=0))


def seen_by_the_accelerometer() -> Iterator[Window]:
    for i in range(EPOCH):
        tilt = round(240 * np.sin(2 * np.pi * 0.25 * i / 10))
        yield 1, IN_BED if i % 40 == 0 else b"", fifo((tilt, -tilt, 16384), (tilt + 3, 0, 16380))


def broken_wires() -> Iterator[Window]:
    """Noise, wrong sums, frames cut between windows, a FIFO that is empty or ends in mid-sample."""
    draw = random.Random(11)
    for i in range(60):
        good = IN_BED + said(heart=50 + i % 9, movement=draw.randrange(30)) + wave(40)
        bad = bytearray(said(heart=200))
        bad[-3] ^= 0x20
        noise = draw.randbytes(draw.randrange(12)).replace(b"\x53", b"\x52")
        stream, cut = noise + bytes(bad) + good, draw.randrange(20, 60)
        yield 1, stream[:cut], FLAT
        yield 1, stream[cut:], b"" if i % 5 == 0 else FLAT
        yield 3, b"", FLAT[: 6 * draw.randrange(1, 5)]


def out_of_bed() -> Iterator[Window]:
    yield from quiet(10)
    yield 1, said(bed=0, presence=1), FLAT
    yield 40, b"", SHAKEN
    yield 9, said(presence=1, bed=7), FLAT  # no reading of the bed: presence counts
    yield 150, said(presence=0), FLAT


SCRIPTS = {
    "a_quiet_sleeper": quiet_sleeper,
    "none_is_no_number": none_is_no_number,
    "a_turn_over": turn_over,
    "a_breath_held": breath_held,
    "breathing_seen_by_the_accelerometer": seen_by_the_accelerometer,
    "broken_wires": broken_wires,
    "out_of_bed": out_of_bed,
}
