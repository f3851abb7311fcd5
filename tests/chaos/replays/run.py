"""A replay of many nights on two worker processes, killed in its middle: counted and weighed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noctis.embedded.processes import send
from tests.chaos.stack import REPOSITORY
from tests.chaos.staging.stack import Stack, running_stack

WITHIN_S = 1_800.0
LOOK_EVERY_S = 0.25
STANDING = "SELECT status, count(*) FROM mlops_replaynight WHERE replay_id = %s GROUP BY status"
ENDED = "SELECT status NOT IN ('queued', 'running') FROM mlops_replay WHERE id = %s"
ROWS = """
SELECT count(*), count(DISTINCT (recording_id, window_end_ts, model_id))
FROM inference_prediction WHERE role = 3
"""


@dataclass
class Weighed:
    """One replay: how long, and the memory of the processes that did it, by its progress."""

    nights: int
    seconds: float = 0.0
    kills: int = 0
    megabytes: list[tuple[int, float]] = field(default_factory=list)

    @property
    def nights_per_second(self) -> float:
        return self.nights / self.seconds

    def largest(self, first: float, last: float) -> float:
        """The most that any process took while between these shares of the nights were done."""
        span = (first * self.nights, last * self.nights)
        return max((mb for done, mb in self.megabytes if span[0] <= done <= span[1]), default=0.0)

    def __str__(self) -> str:
        tenths = (f"{self.largest(tenth / 10, (tenth + 1) / 10):.0f}" for tenth in range(10))
        return (
            f"{self.nights} nights in {self.seconds:.1f} s, {self.nights_per_second:.1f} nights/s, "
            f"{self.kills} kills; MB of the largest worker process by tenths of the nights: "
            f"{', '.join(tenths)}; load {os.getloadavg()[1]:.1f}"
        )


@dataclass
class Result:
    killed: Weighed
    undisturbed: Weighed
    expected: dict[str, Any]
    found: list[dict[str, Any]]
    predictions: tuple[int, int]

    @property
    def is_sound(self) -> bool:
        """Each night once, the same sums as in one process, no prediction twice."""
        alike = [
            {**told, "tried_again": 0} == {**self.expected, "tried_again": 0} for told in self.found
        ]
        whole = all(told["nights"] == self.killed.nights for told in self.found)
        return all(alike) and whole and self.predictions[0] == self.predictions[1]


def replay_and_compare(nights: int, *, kills: int, seed: int = 1) -> Result:
    with running_stack(over=0, going_on=0) as stack:
        stack.end_all()
        made = _inside(stack, f"simulate({nights})")
        for name in ("worker", "beat"):
            stack.start(name)
        killed = _replayed(stack, made, random.Random(seed), kills)
        undisturbed = _replayed(stack, made, random.Random(seed), 0)
        ((rows, distinct),) = stack.sql(ROWS)
        stack.end_all()
        told = _inside(stack, "undisturbed()")
    return Result(killed, undisturbed, told["expected"], told["found"], (rows, distinct))


def _replayed(stack: Stack, nights: int, rng: random.Random, kills: int) -> Weighed:
    weighed = Weighed(nights)
    # In the middle each time, so that there is something to lose.
    strikes = [nights * (place + 1) // (kills + 2) for place in range(kills)]
    replay = _inside(stack, "request()")
    started = time.monotonic()
    while stack.sql(ENDED, replay) != [(True,)]:
        if time.monotonic() - started > WITHIN_S:
            raise TimeoutError(stack.log()[-4_000:])
        done = dict(stack.sql(STANDING, replay)).get("done", 0)
        weighed.megabytes.append((done, max(map(_megabytes, stack.children()), default=0.0)))
        if strikes and done >= strikes[0]:
            strikes.pop(0)
            _strike(stack, rng, weighed.kills)
            weighed.kills += 1
        time.sleep(LOOK_EVERY_S)
    weighed.seconds = time.monotonic() - started
    return weighed


def _strike(stack: Stack, rng: random.Random, number: int) -> None:
    """Now a child that stages, now the whole worker, which somebody starts again."""
    if number % 2 == 0 and (children := stack.children()):
        send(rng.choice(children), signal.SIGKILL)
    else:
        send(stack.pid("worker"), signal.SIGKILL)
        stack.revive("worker")


def _megabytes(pid: int) -> float:
    """Resident memory of a process; one that was killed has none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(found[0].split()[1]) / 1024 if found else 0.0


def _inside(stack: Stack, call: str) -> Any:
    code = f"import django; django.setup(); from tests.chaos.replays import inside; inside.{call}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=stack.environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)
