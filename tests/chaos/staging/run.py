"""Kill -9 of workers while nights grow and are staged, then compare. No Django.

Nights that are over are fed epoch by epoch, so that each is staged again and again."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import psycopg

from noctis.embedded.processes import send
from tests.chaos.night import SCHEMA
from tests.chaos.staging.facts import Comparison
from tests.chaos.staging.stack import Chosen, Stack

# How often each is killed, of all kills.
TARGETS = {"child": 6, "worker": 3, "beat": 1}
OVER, GOING_ON = 60, 6
BEGIN_WITH, LONGEST = 40, 200
FED_EVERY_S, FED_AT_ONCE = 0.4, 3
STALLED_AFTER_S = 90.0
MOST_MORE = 30
SETTLED_WITHIN_S = 240.0

APPEND = """
SELECT verdict FROM noctis_append_epochs(
    %s::integer, %s::uuid, NULL::uuid, %s::smallint, %s::integer, %s::integer[], %s::real[],
    %s::double precision, %s::double precision, 15::double precision, '2000-01-01'::timestamptz)
"""
PROGRESS = """
SELECT (SELECT count(*) FROM inference_hypnogram) + (SELECT count(*) FROM inference_livecursor)
"""
SETTLED = """
SELECT NOT EXISTS (SELECT FROM recordings_recording WHERE status = 'closed')
   AND NOT EXISTS (SELECT FROM inference_stagingattempt)
   AND NOT EXISTS (SELECT FROM recordings_recording AS night
                   LEFT JOIN inference_livecursor AS cursor ON cursor.recording_id = night.id
                   WHERE night.status = 'open'
                     AND night.last_epoch_received_at IS DISTINCT FROM cursor.staged_through)
"""
# What was cut short several times in a row waits, each time twice as long: that is kept to.
PAUSE_S = """
SELECT coalesce(max(extract(epoch FROM due_again_at - clock_timestamp())), 0)::float
FROM inference_stagingattempt
"""
LEFT = """
SELECT concat('recording ', recording_id, ', tries ', tries, ', due again in ',
              round(extract(epoch FROM due_again_at - clock_timestamp())), ' s ', failure)
FROM inference_stagingattempt ORDER BY tries DESC LIMIT 5
"""


@dataclass
class Result:
    seed: int
    seconds: float
    kills: Counter[str]
    cut_short: int
    fed: int
    stages: int
    hypnograms: int
    comparison: Comparison
    # How long the longest pause was when the killing ended, and what was not done in the end.
    pause_s: float
    left: list[str]

    @property
    def is_sound(self) -> bool:
        return self.comparison.is_sound

    def __str__(self) -> str:
        kills = ", ".join(f"{target} {count}" for target, count in self.kills.most_common())
        return "\n".join(
            (
                f"kills         {self.kills.total()} ({kills}) in {self.seconds:.0f} s",
                f"seed          {self.seed}",
                f"cut short     {self.cut_short} tasks at least, in their middle",
                f"fed           {self.fed} epochs while it was killed",
                f"staged        {self.hypnograms} hypnograms, {self.stages} stages in the log",
                f"pauses        {self.pause_s:.0f} s at most when the killing ended",
                f"compared      {self.comparison}",
                *(f"left          {line}" for line in self.left),
            )
        )


@dataclass
class Feeder:
    """Adds epochs to nights, a few at a time, in any order where a night is over."""

    stack: Stack
    rng: random.Random
    fed: int = 0
    _missing: dict[str, list[int]] = field(default_factory=dict)

    def begin(self) -> None:
        with psycopg.connect(self.stack.instance.postgres.url(), autocommit=True) as connection:
            for night in self.stack.nights:
                places = list(range(LONGEST))
                first, rest = places[:BEGIN_WITH], places[BEGIN_WITH:]
                if night.is_over:
                    self.rng.shuffle(rest)
                self._append(connection, night, first)
                self._missing[night.uuid] = rest[::-1]

    def run(self, stopping: threading.Event) -> None:
        over = [night for night in self.stack.nights if night.is_over]
        going_on = [night for night in self.stack.nights if not night.is_over]
        with psycopg.connect(self.stack.instance.postgres.url(), autocommit=True) as connection:
            while not stopping.wait(FED_EVERY_S):
                chosen = [*self.rng.sample(over, FED_AT_ONCE), self.rng.choice(going_on)]
                for night in chosen:
                    if left := self._missing[night.uuid]:
                        self._append(connection, night, [left.pop()])
                        self.fed += 1

    def _append(
        self, connection: psycopg.Connection[tuple[object, ...]], night: Chosen, index: list[int]
    ) -> None:
        rng = np.random.default_rng(index[0])
        low = np.array([feature.minimum for feature in SCHEMA])
        high = np.array([feature.maximum for feature in SCHEMA])
        features = low + (high - low) * rng.random((len(index), len(SCHEMA)))
        flat = np.clip(features.astype(np.float32), low, high).ravel().tolist()
        facts = (self.stack.tenant, night.uuid, self.stack.schema, len(SCHEMA), index, flat)
        answer = connection.execute(APPEND, (*facts, night.origin, night.origin)).fetchone()
        assert answer == ("ok",), answer


@dataclass
class Killer:
    stack: Stack
    rng: random.Random
    kills: Counter[str] = field(default_factory=Counter)

    def kill(self, target: str) -> None:
        """One kill -9 while something is being staged, and what must be started again is."""
        self._wait_for_progress()
        time.sleep(self.rng.random() * 0.2)
        strikes: dict[str, Callable[[], None]] = {
            "child": self._kill_child,
            "worker": lambda: self._kill("worker"),
            "beat": lambda: self._kill("beat"),
        }
        strikes[target]()
        self.kills[target] += 1

    def _wait_for_progress(self) -> None:
        """A kill while nothing is staged proves nothing."""
        ((before,),) = self.stack.sql(PROGRESS)
        deadline = time.monotonic() + STALLED_AFTER_S
        while self.stack.sql(PROGRESS)[0][0] == before:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"nothing staged for {STALLED_AFTER_S:g} s: {self.stack.log()[-4_000:]}"
                )
            time.sleep(0.01)

    def _kill_child(self) -> None:
        if children := self.stack.children():
            send(self.rng.choice(children), signal.SIGKILL)

    def _kill(self, name: str) -> None:
        send(self.stack.pid(name), signal.SIGKILL)
        time.sleep(self.rng.random() * 0.3)
        self.stack.revive(name)


def kill_and_compare(
    stack: Stack,
    *,
    targets: list[str],
    seed: int,
    settled_within_s: float = SETTLED_WITHIN_S,
    before_the_end: Callable[[], None] = lambda: None,
) -> Result:
    """Kill each of the targets while nights grow, let what is due be done, and look at the rows."""
    rng = random.Random(seed)
    feeder, killer = Feeder(stack, random.Random(rng.random())), Killer(stack, rng)
    started = time.monotonic()
    feeder.begin()
    with feeding(feeder):
        for target in targets:
            killer.kill(target)
        # Each may have met a child between two tasks, and then all of them prove little.
        for _ in range(MOST_MORE):
            if not stack.cut_short:
                killer.kill("child")
    before_the_end()
    ((pause_s,),) = stack.sql(PAUSE_S)
    stack.wait_for(SETTLED, settled_within_s + max(0.0, pause_s))
    stack.end_all()
    left = [line for (line,) in stack.sql(LEFT)]
    told = stack.inside("judge()")
    return Result(
        seed,
        time.monotonic() - started,
        killer.kills,
        stack.cut_short,
        feeder.fed,
        told["stages"],
        told["hypnograms"],
        Comparison(**told["comparison"]),
        max(0.0, pause_s),
        left,
    )


def drawn(count: int, seed: int) -> list[str]:
    """So many targets in random order; each kind at its share."""
    total = sum(TARGETS.values())
    wanted = [name for name, share in TARGETS.items() for _ in range(round(share * count / total))]
    wanted += ["child"] * (count - len(wanted))
    random.Random(seed).shuffle(wanted)
    return wanted[:count]


@contextmanager
def feeding(feeder: Feeder) -> Iterator[None]:
    stopping = threading.Event()
    thread = threading.Thread(target=feeder.run, args=(stopping,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(STALLED_AFTER_S)
