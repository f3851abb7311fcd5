"""What a stress run does, and what its latencies amount to. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MODES = ("ingest", "inference", "both")
EPOCH_S = 30
# A run measures; it is no way to fill a disk or to hold a worker for the day.
MOST_EPOCHS = 200_000
MOST_QUESTIONS = 20_000
MOST_POINTS = 120
LONGEST_S = 900.0
# Least, most, and what is asked for where nobody says otherwise.
BOUNDS = {
    "device_count": (1, 50, 4),
    "hours": (1, 24, 8),
    "ingest_batch_size": (1, 2880, 120),
    "iterations": (1, MOST_QUESTIONS, 100),
    "batch_size": (1, 1000, 4),
    "seed": (0, 2**31 - 1, 1),
}
COMPARED = ("per_s", "p50_ms", "p95_ms", "p99_ms")


@dataclass(frozen=True)
class Profile:
    mode: str
    device_count: int
    hours: int
    epoch_seconds: int
    ingest_batch_size: int
    iterations: int
    batch_size: int
    seed: int

    @property
    def epochs(self) -> int:
        """Of each device's night."""
        return self.hours * 3600 // self.epoch_seconds

    @property
    def batches(self) -> int:
        return self.device_count * -(-self.epochs // self.ingest_batch_size)

    @property
    def questions(self) -> int:
        return self.iterations * self.batch_size if self.mode != "ingest" else 0

    @property
    def steps(self) -> int:
        """Nights have to be there before anybody can ask about them, whatever is measured."""
        return self.batches + self.questions

    def too_much(self) -> Iterator[tuple[str, str]]:
        """Fields whose product is more than a run may do, and why."""
        if self.device_count * self.epochs > MOST_EPOCHS:
            yield "device_count", f"at most {MOST_EPOCHS} epochs in all"
        if self.questions > MOST_QUESTIONS:
            yield "iterations", f"at most {MOST_QUESTIONS} questions in all"


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of the samples themselves, the smallest that so many do not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def told(latencies_s: Sequence[float], *, units: int, failed: int) -> dict[str, Any]:
    """What a part's calls amount to; `units` is what they moved: epochs, or predictions."""
    ordered = sorted(latencies_s)
    spent = sum(ordered)
    figures: dict[str, Any] = {"calls": len(ordered), "failed": failed, "units": units}
    figures["per_s"] = units / spent if spent else None
    for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)):
        figures[name] = 1000 * percentile(ordered, share) if ordered else None
    return figures


def compared(
    mine: Mapping[str, Any], other: Mapping[str, Any]
) -> list[tuple[str, str, float | None, float | None]]:
    """Part, figure, and its value in either run."""
    return [
        (part, name, mine[part].get(name), other[part].get(name))
        for part in ("ingest", "inference")
        if part in mine and part in other
        for name in COMPARED
    ]
