"""The line before a worker's threads: how much of each class may be in flight, and who goes next.

Pure: knows no socket. Of each class so much waits and runs, and what comes beyond is refused."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum

Job = Callable[[], None]


class Rank(StrEnum):
    """What a request is for, as far as its first line tells; most urgent first."""

    PROBE = "probe"
    INGEST = "ingest"
    OTHER = "other"


PROBES = (b"/healthz", b"/readyz", b"/metrics")
# What a device does: begin a night, send it, end it.
INGEST = (b"POST /v1/epochs", b"POST /v1/recordings")


def rank_of(head: bytes) -> Rank:
    """By the request line alone: whoever is refused must cost next to nothing."""
    if head.startswith(INGEST):
        return Rank.INGEST
    _method, _, target = head[:32].partition(b" ")
    return Rank.PROBE if target.startswith(PROBES) else Rank.OTHER


class Line:
    """Threads take from it. Ingest goes first; while both classes wait each has a thread at least,
    and other work never holds the last one, so that a long export keeps no night from coming in."""

    def __init__(self, threads: int, most: Mapping[Rank, int]) -> None:
        self.most = most
        self._spare = max(1, threads - 1)
        self._waiting: dict[Rank, deque[Job]] = {rank: deque() for rank in Rank}
        self._running = dict.fromkeys(Rank, 0)
        self._changed = threading.Condition()
        self._is_over = False

    def in_flight(self, rank: Rank) -> int:
        """Of this class, waiting and running."""
        return len(self._waiting[rank]) + self._running[rank]

    def has_room(self, rank: Rank) -> bool:
        return rank not in self.most or self.in_flight(rank) < self.most[rank]

    def is_full(self) -> bool:
        """Of any class; asked without the lock, as a hint."""
        return any(self.in_flight(rank) >= most for rank, most in self.most.items())

    def is_awaited(self) -> bool:
        """Whether anybody waits for a thread; asked without the lock, as a hint."""
        return any(self._waiting.values())

    def join(self, rank: Rank, job: Job) -> bool:
        """Wait for a thread; False where so much of the class is in flight already."""
        with self._changed:
            if not self.has_room(rank):
                return False
            self._waiting[rank].append(job)
            self._changed.notify()
        return True

    def work(self) -> None:
        """What each thread does until the line is over."""
        done: Rank | None = None
        while turn := self._next(done):
            done, job = turn
            job()

    def close(self) -> None:
        """Nobody is served any more, but who is being served."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _next(self, done: Rank | None) -> tuple[Rank, Job] | None:
        with self._changed:
            if done:
                self._running[done] -= 1
            while not self._is_over:
                if rank := self._first():
                    self._running[rank] += 1
                    return rank, self._waiting[rank].popleft()
                self._changed.wait()
        return None

    def _first(self) -> Rank | None:
        ingest, other = self._waiting[Rank.INGEST], self._waiting[Rank.OTHER]
        may_other = other and self._running[Rank.OTHER] < self._spare
        if ingest and not (may_other and self._running[Rank.INGEST] >= self._spare):
            return Rank.INGEST
        if may_other:
            return Rank.OTHER
        return Rank.PROBE if self._waiting[Rank.PROBE] else None
