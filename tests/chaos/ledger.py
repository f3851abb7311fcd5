"""What was sent, what was acknowledged, and how the rows compare with both. No Django."""

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from tests.chaos.night import LENGTH, Night, Piece

Row = tuple[str, int, list[float], float]  # recording, index, features, seconds off its place


@dataclass
class Ledger:
    """Kept by all writers together."""

    nights: list[Night]
    answers: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    retries: int = 0
    unexpected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        # (nights, epochs): was it ever sent, was it ever acknowledged
        self.sent = np.zeros((len(self.nights), LENGTH), bool)
        self.acknowledged = np.zeros((len(self.nights), LENGTH), bool)

    def note_sent(self, piece: Piece) -> None:
        self.sent[piece.night.number, piece.indices] = True

    def note_answer(self, answer: str, is_retry: bool) -> None:
        with self._lock:
            self.answers[answer] += 1
            self.retries += is_retry

    def note_acknowledged(self, piece: Piece) -> None:
        with self._lock:
            self.batches += 1
            self.acknowledged[piece.night.number, piece.indices] = True


@dataclass(frozen=True)
class Comparison:
    """Epochs that are not as they must be; all zero is what a sound platform shows."""

    lost: int
    doubled: int
    altered: int
    not_sent: int
    misplaced: int
    miscounted_nights: int

    @property
    def is_sound(self) -> bool:
        return not any(vars(self).values())

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in vars(self).items())


def compare(ledger: Ledger, rows: Iterable[Row], counted: dict[str, tuple[int, int]]) -> Comparison:
    """Every acknowledged epoch is there exactly once with the bytes sent, and none else is.

    `counted` is what each recording says of itself: how many epochs, and the last index."""
    number_of = {night.recording_id: night.number for night in ledger.nights}
    expected = [canonical(night.features) for night in ledger.nights]
    found = np.zeros(ledger.sent.shape, int)
    altered = misplaced = 0
    for recording, index, features, off_s in rows:
        night = number_of[recording]
        found[night, index] += 1
        altered += np.array(features, np.float32).tobytes() != expected[night][index].tobytes()
        misplaced += off_s != 0
    return Comparison(
        lost=int((ledger.acknowledged & (found == 0)).sum()),
        doubled=int((found > 1).sum()),
        altered=altered,
        not_sent=int((~ledger.sent & (found > 0)).sum()),
        misplaced=misplaced,
        miscounted_nights=sum(
            counted[night.recording_id] != told(found[night.number]) for night in ledger.nights
        ),
    )


def canonical(matrix: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(matrix), np.float32(np.nan), matrix)


def told(found: np.ndarray) -> tuple[int, int]:
    """What a recording should say of these rows; -1 where there are none."""
    there = np.flatnonzero(found)
    return int(found.sum()), int(there[-1]) if len(there) else -1
