"""What a load test sends and when, and what became of it. Pure."""

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from operations.stress import percentile

KINDS = ("ingest", "predict", "reload")
EXPECTED = "200"
NIGHT_EPOCHS = 2880
FEWEST_NIGHTS = 4
# A load test measures; it is no way to fill a disk or to keep a platform busy for a day.
MOST_CALLS = 60_000
MOST_EPOCHS = 200_000
LONGEST_S = 600.0
# Batches that are sent again later, as a device does that heard no answer.
REPEATED_SHARE = 0.05


class Unbounded(Exception):
    """Says which limit of a plan is exceeded."""


@dataclass(frozen=True)
class Batch:
    """Consecutive epochs of one night; whoever sends it twice sends the same."""

    night: int
    first: int
    count: int
    seed: int


@dataclass(frozen=True)
class Call:
    """`due_s` counts from the beginning; only `ingest` has a batch."""

    due_s: float
    kind: str
    night: int = 0
    batch: Batch | None = None


@dataclass(frozen=True)
class Plan:
    """`rates` are calls a second, by kind; the seed fixes values, order, moments and repeats."""

    seconds: float
    rates: dict[str, float]
    batch_size: int
    seed: int

    def check(self) -> None:
        if not 0 < self.seconds <= LONGEST_S:
            raise Unbounded(f"more than 0 and at most {LONGEST_S:g} seconds")
        if not 1 <= self.batch_size <= NIGHT_EPOCHS // 2:
            raise Unbounded(f"1 to {NIGHT_EPOCHS // 2} epochs a batch")
        calls = {kind: rate * self.seconds for kind, rate in self.rates.items()}
        if not all(0 <= count <= MOST_CALLS for count in calls.values()):
            raise Unbounded(f"rates from 0, and at most {MOST_CALLS} calls of a kind")
        if (calls["ingest"] + self.nights) * self.batch_size > MOST_EPOCHS:
            raise Unbounded(f"at most {MOST_EPOCHS} epochs in all")

    def count(self, kind: str) -> int:
        return int(self.rates[kind] * self.seconds)

    @property
    def nights(self) -> int:
        # Each night's first batch is there before the clock starts, so that it can be asked about.
        room = NIGHT_EPOCHS // self.batch_size - 1
        return max(FEWEST_NIGHTS, math.ceil(self.count("ingest") / room))

    def batch(self, number: int) -> Batch:
        """The nights take turns; the first batch of each comes before the second of any."""
        turn, night = divmod(number, self.nights)
        return Batch(night, turn * self.batch_size, self.batch_size, self.seed * 1_000_003 + number)

    def calls(self) -> list[Call]:
        """Each kind's calls come somewhere within equal spans, so that rates hold and beats do
        not."""
        rng = random.Random(self.seed)  # noqa: S311 - moments, no secrets
        made = [call for kind in KINDS for call in self._of(kind, rng)]
        return sorted(made, key=lambda call: call.due_s)

    def _of(self, kind: str, rng: random.Random) -> Iterator[Call]:
        fresh = self.nights
        for number in range(self.count(kind)):
            due_s = (number + rng.random()) / self.rates[kind]
            if kind != "ingest":
                yield Call(due_s, kind, rng.randrange(self.nights))
            elif rng.random() < REPEATED_SHARE:
                yield Call(due_s, kind, batch=self.batch(rng.randrange(fresh)))
            else:
                yield Call(due_s, kind, batch=self.batch(fresh))
                fresh += 1


@dataclass
class Tally:
    """Of one kind: seconds are of calls answered as expected, from when each was due."""

    sent: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Any other answer, and none."""
        return self.sent - self.answers[EXPECTED]


@dataclass
class Outcome:
    """`nights` has of each the epochs acknowledged, those that a recording counts, and those it
    lists."""

    plan: Plan
    took_s: float
    tallies: dict[str, Tally]
    nights: list[tuple[int, int, int]]
    versions: dict[str, Any]

    @property
    def failures(self) -> list[str]:
        found = [
            f"{kind}: {count} answered {answer}"
            for kind, tally in self.tallies.items()
            for answer, count in sorted(tally.answers.items())
            if answer != EXPECTED
        ]
        found += [
            f"{kind}: {self.plan.count(kind) - tally.sent} were not sent in time"
            for kind, tally in self.tallies.items()
            if tally.sent < self.plan.count(kind)
        ]
        wrong = [
            f"night {number}: {acknowledged} acknowledged, {counted} counted, {listed} stored"
            for number, (acknowledged, counted, listed) in enumerate(self.nights)
            if not acknowledged == counted == listed
        ]
        return found + wrong

    def told(self) -> dict[str, Any]:
        return {
            "seed": self.plan.seed,
            "seconds": self.plan.seconds,
            "took_s": round(self.took_s, 2),
            "versions": self.versions,
            "kinds": {kind: self._kind(kind) for kind in KINDS},
            "nights": len(self.nights),
            "acknowledged": sum(night[0] for night in self.nights),
            "stored": sum(night[2] for night in self.nights),
            "failures": self.failures,
        }

    def _kind(self, kind: str) -> dict[str, Any]:
        tally = self.tallies[kind]
        ordered = sorted(tally.seconds)
        shares = (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99))
        return {
            "sent": tally.sent,
            "answers": dict(sorted(tally.answers.items())),
            "failed": tally.failed,
            "wanted_per_s": self.plan.rates[kind],
            # Of the time until the last answer: a platform that lags behind reaches less.
            "reached_per_s": round(tally.answers[EXPECTED] / self.took_s, 2),
            **{
                name: round(1000 * percentile(ordered, share), 2) if ordered else None
                for name, share in shares
            },
        }
