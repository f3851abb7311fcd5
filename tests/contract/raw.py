"""From bytes on the wires to windows of 100 ms, as the firmware's specification has them: the
radar's frames with each value's age, and the accelerometer's FIFO. Shares no code with the core."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from tests.contract.twin import Tick

# Heard at the beginning of a window, fresh for five seconds.
FRESH_WINDOWS = 50
MISSING = -1
# control, command: name, lowest, highest; whatever is outside is no reading.
READINGS = {
    (0x80, 0x01): ("presence", 0, 1),
    (0x80, 0x03): ("movement", 0, 100),
    (0x84, 0x01): ("bed", 0, 1),
    (0x84, 0x02): ("sleep", 0, 3),
    (0x85, 0x02): ("heart", 30, 220),
    (0x81, 0x02): ("breath", 4, 40),
}
WAVE = (0x81, 0x05)
LONGEST_DATA, AROUND_DATA = 32, 9


@dataclass
class Wires:
    """One device's radar and accelerometer; a window's bytes in, what it was worth out."""

    waiting: bytes = b""
    windows: int = 0
    heard: dict[str, tuple[int, int]] = field(default_factory=dict)
    wave: bytes = bytes(5)

    def window(self, uart: bytes, fifo: bytes) -> Tick:
        new: dict[str, int] = {}
        has_wave = False
        self.windows += 1
        for control, command, data in self._frames(uart):
            if (control, command) == WAVE and len(data) >= 5:
                self.wave, has_wave = data[:5], True
            elif (control, command) in READINGS:
                name, low, high = READINGS[control, command]
                new[name] = data[0] if data and low <= data[0] <= high else MISSING
        self.heard |= {name: (value, self.windows) for name, value in new.items()}
        bed = self._fresh("bed")
        return _tick(
            bed if bed != MISSING else self._fresh("presence"),
            self._fresh("sleep"),
            self._fresh("movement"),
            new.get("heart", MISSING),
            new.get("breath", MISSING),
            self.wave if has_wave else b"",
            # The chip is found in the first window, and read from the second on.
            fifo if self.windows > 1 else b"",
        )

    def _fresh(self, name: str) -> int:
        value, at = self.heard.get(name, (MISSING, 0))
        return value if self.windows - at < FRESH_WINDOWS else MISSING

    def _frames(self, uart: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Whole frames; an answer repeats its query's top bit."""
        self.waiting += uart
        while self.waiting:
            size = _frame_size(self.waiting)
            if size is None:
                return
            if size:
                frame, self.waiting = self.waiting[:size], self.waiting[size:]
                yield frame[2], frame[3] & 0x7F, frame[6:-3]
            else:
                self.waiting = self.waiting[1:]


def _frame_size(stream: bytes) -> int | None:
    """How long the frame is that a stream begins with: None while it may be one, 0: it is none."""
    if stream[:2] != b"\x53\x59"[: len(stream)]:
        return 0
    if len(stream) < 6:
        return None
    length = int.from_bytes(stream[4:6], "big")
    if length > LONGEST_DATA:
        return 0
    if len(stream) < length + AROUND_DATA:
        return None
    end = 6 + length
    is_whole = stream[end] == sum(stream[:end]) % 256 and stream[end + 1 : end + 3] == b"\x54\x43"
    return length + AROUND_DATA if is_whole else 0


def _tick(bed: int, sleep: int, movement: int, *rest: int | bytes) -> Tick:
    heart, breath, wave, fifo = rest
    samples = np.frombuffer(bytes(fifo), ">i2").reshape(-1, 3).astype(np.int64)
    has_accel = len(samples) > 0
    # C divides towards zero.
    mean = np.trunc(samples.mean(axis=0)) if has_accel else np.zeros(3)
    swing = np.ptp(samples, axis=0).max() if has_accel else 0
    levels = [np.array([value], np.int64) for value in (bed, sleep, movement, heart, breath)]
    shape = np.array([list(bytes(wave)) or [0] * 5], np.int64)
    return Tick(
        *levels,
        np.array([bool(wave)]),
        shape,
        np.array([has_accel]),
        mean.astype(np.int64)[None],
        np.array([swing], np.int64),
    )
