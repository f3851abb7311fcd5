"""Kill -9 under eight writers, then compare: what was acknowledged is there, once, as sent."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from noctis.embedded.processes import send
from tests.chaos.ledger import Comparison, Ledger, compare
from tests.chaos.stack import Stack
from tests.chaos.writers import WRITERS, Writer

# How often each is killed, of all kills.
TARGETS = {"worker": 9, "master": 3, "postmaster": 4, "all of PostgreSQL": 4}
BATCHES_BETWEEN_KILLS = 60
STALLED_AFTER_S = 60.0


@dataclass
class Result:
    seed: int
    seconds: float
    kills: Counter[str]
    ledger: Ledger
    comparison: Comparison

    @property
    def is_sound(self) -> bool:
        return self.comparison.is_sound and not self.ledger.unexpected

    def __str__(self) -> str:
        ledger = self.ledger
        kills = ", ".join(f"{target} {count}" for target, count in self.kills.most_common())
        answers = ", ".join(f"{answer} {count}" for answer, count in ledger.answers.most_common())
        return "\n".join(
            (
                f"kills         {self.kills.total()} ({kills}) in {self.seconds:.0f} s",
                f"seed          {self.seed}",
                f"acknowledged  {ledger.acknowledged.sum()} epochs in {ledger.batches} batches",
                f"retries       {ledger.retries}",
                f"answers       {answers}",
                f"unexpected    {len(ledger.unexpected)} {' '.join(ledger.unexpected[:3])}",
                f"compared      {self.comparison}",
            )
        )


@dataclass
class Killer:
    stack: Stack
    ledger: Ledger
    rng: random.Random
    kills: Counter[str] = field(default_factory=Counter)

    def kill(self, target: str) -> None:
        """One kill -9, and what must be started again is."""
        self._wait_for_progress()
        time.sleep(self.rng.random() * 0.1)
        strikes: dict[str, Callable[[], None]] = {
            "worker": self._kill_worker,
            "master": self._kill_master,
            "postmaster": lambda: self._kill_postgres(1),
            "all of PostgreSQL": lambda: self._kill_postgres(None),
        }
        strikes[target]()
        self.kills[target] += 1

    def _wait_for_progress(self) -> None:
        """A kill while nothing is acknowledged proves nothing."""
        wanted = self.ledger.batches + self.rng.randint(1, BATCHES_BETWEEN_KILLS)
        deadline = time.monotonic() + STALLED_AFTER_S
        while self.ledger.batches < wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no batch was taken for {STALLED_AFTER_S:g} s")
            time.sleep(0.005)

    def _kill_worker(self) -> None:
        if workers := self.stack.workers():
            send(self.rng.choice(workers), signal.SIGKILL)

    def _kill_master(self) -> None:
        send(self.stack.master, signal.SIGKILL)
        time.sleep(self.rng.random() * 0.3)
        self.stack.revive_web()

    def _kill_postgres(self, count: int | None) -> None:
        for pid in self.stack.postgres_processes()[:count]:
            send(pid, signal.SIGKILL)
        time.sleep(self.rng.random() * 0.3)
        self.stack.revive_postgres()


def kill_and_compare(stack: Stack, *, targets: list[str], seed: int) -> Result:
    """Kill each of the targets while the writers write, let them finish, and look at the rows."""
    ledger = Ledger(stack.nights)
    rng = random.Random(seed)
    killer = Killer(stack, ledger, rng)
    started = time.monotonic()
    with writing(stack, ledger, rng):
        for target in targets:
            killer.kill(target)
    comparison = compare(ledger, stack.rows(), stack.counted())
    return Result(seed, time.monotonic() - started, killer.kills, ledger, comparison)


def drawn(count: int, seed: int) -> list[str]:
    """So many targets in random order; each kind at its share, at least once in eight."""
    total = sum(TARGETS.values())
    wanted = [name for name, share in TARGETS.items() for _ in range(round(share * count / total))]
    wanted += ["worker"] * (count - len(wanted))
    random.Random(seed).shuffle(wanted)
    return wanted[:count]


@contextmanager
def writing(
    stack: Stack, ledger: Ledger, rng: random.Random, writer: type[Writer] = Writer
) -> Iterator[None]:
    stopping = threading.Event()
    writers = [
        writer(stack.port, stack.token, ledger, stopping, random.Random(rng.random()))
        for _ in range(WRITERS)
    ]
    threads = [threading.Thread(target=writer.run, daemon=True) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(STALLED_AFTER_S)
    if any(thread.is_alive() for thread in threads):
        raise TimeoutError("a writer could not finish its batch")
