"""The platform's peak, then three times as much: the figures, and what they must be."""

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from tests.chaos.night import LARGEST_PIECE, LENGTH, Piece
from tests.chaos.overload.clients import Answers, Call, closed_loop, cycled, open_loop
from tests.chaos.stack import Stack

CLIENTS_AT_PEAK = 12
TIMES = 3.0
READS_SHARE = 0.1
LEAST_GOODPUT = 0.8
MOST_P99_MS = 1_000.0
MOST_GROWTH = 0.15  # of memory, over the whole overload


@dataclass(frozen=True)
class Outcome:
    peaks: tuple[Answers, Answers]  # before and after, for the machine may have changed
    over: Answers
    rate: float
    memory_mb: tuple[float, float]

    @property
    def peak(self) -> float:
        return sum(served(peak) for peak in self.peaks) / 2

    @property
    def goodput(self) -> float:
        """Calls served under overload, as a share of what the peak was for the same mix of them."""
        return served(self.over) / self.peak

    @property
    def growth(self) -> float:
        before, after = self.memory_mb
        return after / before - 1

    @property
    def unexpected(self) -> dict[str, int]:
        found = {
            f"{kind} {status}": len(seconds)
            for (kind, status), seconds in self.over.seconds.items()
            if status not in (200, 503)
        }
        return found | dict(self.over.lost)

    @property
    def is_sound(self) -> bool:
        return (
            self.goodput >= LEAST_GOODPUT
            and self.over.p("ingest", 200, 0.99) <= MOST_P99_MS
            and self.growth <= MOST_GROWTH
            and self.over.count("ingest", 503) > 0
            and not self.over.count("probe", 503)
            and not self.unexpected
        )

    def __str__(self) -> str:
        over, (before, after) = self.over, self.peaks
        rows = {
            "peak": f"{_served(before)}; after it {_served(after)}; of {CLIENTS_AT_PEAK} clients",
            "offered": f"{self.rate:.0f} calls/s, {READS_SHARE:.0%} of them reads",
            "served": f"{_served(over)}; {self.goodput:.0%} of the peak",
            "ingest": _told(over, "ingest", 200),
            "refused": f"{_told(over, 'ingest', 503)}; reads {_told(over, 'read', 503)}",
            "probes": _told(over, "probe", 200),
            "memory": "{:.0f} -> {:.0f} MB of all workers".format(*self.memory_mb),
            "unexpected": str(self.unexpected or 0),
        }
        return "\n".join(f"{name:13} {told}" for name, told in rows.items())


def served(answers: Answers) -> float:
    """Calls a second that somebody wanted done, and were."""
    return answers.rate("ingest") + answers.rate("read")


def _served(answers: Answers) -> str:
    return f"{answers.rate('ingest'):.0f} batches/s and {answers.rate('read'):.0f} reads/s"


def _told(answers: Answers, kind: str, status: int) -> str:
    count = answers.count(kind, status)
    p50, p95, p99 = (answers.p(kind, status, share) for share in (0.5, 0.95, 0.99))
    return f"{count} x {status}, p50 {p50:.0f}, p95 {p95:.0f}, p99 {p99:.0f} ms"


def overload(stack: Stack, *, peak_s: float, over_s: float, seed: int) -> Outcome:
    """Find the peak, then offer three times as much for the given time."""
    batches = ingest_calls(stack, random.Random(seed))

    calls = mixed(stack, batches, random.Random(seed))

    def peak() -> Answers:
        return asyncio.run(closed_loop(stack.port, calls, CLIENTS_AT_PEAK, peak_s))

    first = peak()
    rate = TIMES * served(first)
    # What threads and caches take once is taken before the first look.
    asyncio.run(open_loop(stack.port, calls, rate, 2.0))
    before = memory_mb(stack)
    over = asyncio.run(open_loop(stack.port, calls, rate, over_s))
    return Outcome((first, peak()), over, rate, (before, memory_mb(stack)))


def ingest_calls(stack: Stack, rng: random.Random) -> list[Call]:
    """Half a day of each night in batches: most are repeated in the end, which costs the same."""
    found = []
    for night in stack.nights:
        features = night.features
        for first in range(0, LENGTH // 2, LARGEST_PIECE):
            piece = Piece(night, first, features[first : first + LARGEST_PIECE])
            found.append(("ingest", _post(stack, json.dumps(piece.body("column")).encode())))
    rng.shuffle(found)
    return found


def mixed(stack: Stack, batches: list[Call], rng: random.Random) -> Iterator[Call]:
    read, probe = _get(stack, "/v1/recordings?limit=20"), _get(stack, "/healthz")
    endless = cycled(batches)
    while True:
        drawn = rng.random()
        if drawn < 0.01:
            yield "probe", probe
        elif drawn < 0.01 + READS_SHARE:
            yield "read", read
        else:
            yield next(endless)


def _post(stack: Stack, body: bytes) -> bytes:
    lines = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
    return _request(stack, "POST /v1/epochs:ingest", lines) + body


def _get(stack: Stack, path: str) -> bytes:
    return _request(stack, f"GET {path}", "Accept: */*")


def _request(stack: Stack, asked: str, lines: str) -> bytes:
    fixed = f"Host: localhost\r\nAuthorization: Bearer {stack.token}"
    return f"{asked} HTTP/1.1\r\n{fixed}\r\n{lines}\r\n\r\n".encode()


def memory_mb(stack: Stack) -> float:
    """What the workers hold for themselves."""
    return sum(psutil.Process(pid).memory_full_info().uss for pid in stack.workers()) / 1e6
