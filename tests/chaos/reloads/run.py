"""Questions at a steady rate while versions change under them; then what must be true of it all."""

import http.client
import itertools
import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from noctis.embedded import Instance
from noctis.launch import ports
from tests.chaos.migrated import migrated_home
from tests.chaos.reloads.questions import Question, questions
from tests.chaos.stack import REPOSITORY, Stack, environment

CLIENTS = 8
WEIGHED_EVERY = 25
PAGE_KB = 4
LOADS = re.compile(r"^model_reload_success_total\{[^}]*\} (\S+)$", re.MULTILINE)


@dataclass
class Result:
    asked: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    late_s: float = 0.0
    swaps: list[dict[str, object]] = field(default_factory=list)
    swapped_in_s: float = 0.0
    loads: int = 0
    # The web workers' together, by how many swaps there had been; 0 is after the warm-up.
    memory_kb: dict[int, int] = field(default_factory=dict)

    @property
    def faults(self) -> list[str]:
        """Nothing refused, nothing mixed, every process followed, every broken one was kept out."""
        refusals = [told["refused"] for told in self.swaps if told["refused"] is not None]
        behind = [str(told["serves"]) for told in self.swaps if told["behind"]]
        found = {
            f"{len(self.wrong)} bad answers, the first: {self.wrong[:3]}": self.wrong,
            f"a process had not followed in time after {len(behind)} swaps: {behind[:3]}": behind,
            f"only {list(self.answered)} answered": len(self.answered) < 2,
            "no broken artifact was tried": not refusals,
            f"{refusals.count(False)} broken artifacts were let in": not all(refusals),
        }
        return [fault for fault, is_so in found.items() if is_so]

    @property
    def is_sound(self) -> bool:
        return not self.faults

    def __str__(self) -> str:
        broken = sum(told["refused"] is not None for told in self.swaps)
        return (
            f"{self.asked} questions, {sum(self.answered.values())} good answers by "
            f"{len(self.answered)} versions, {len(self.wrong)} bad ones; "
            f"{len(self.swaps)} reloads in {self.swapped_in_s:.0f} s and {broken} with broken "
            f"bytes, {self.loads} models loaded by the web's processes; "
            f"latest {self.late_s:.2f} s behind its time; {self.weight}"
        )

    @property
    def weight(self) -> str:
        return (
            "memory of the web's workers, less than after the warm-up or more, by swaps: "
            f"{self._grown()}"
        )

    def _grown(self) -> str:
        first = self.memory_kb.get(0, 0)
        return ", ".join(f"{swaps}: {kb - first:+} kB" for swaps, kb in self.memory_kb.items())


@dataclass
class Platform:
    stack: Stack
    night: str
    started_at: datetime

    def questions(self) -> list[Question]:
        return questions(self.night, self.started_at)

    def swapper(self, guests: int, seconds: float) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", inside(f"swap({guests}, {seconds})")],
            cwd=REPOSITORY,
            env=self.stack.environment,
            stdout=subprocess.PIPE,
            text=True,
        )

    def memory_kb(self) -> int:
        fields = [Path(f"/proc/{pid}/statm").read_text().split() for pid in self.stack.workers()]
        return sum(int(numbers[1]) for numbers in fields) * PAGE_KB

    def loads(self) -> int:
        """Models that the web's processes have taken into service."""
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.port, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return sum(int(float(count)) for count in LOADS.findall(text))


def inside(call: str) -> str:
    return f"import django; django.setup(); from tests.chaos.reloads import inside; inside.{call}"


@contextmanager
def running_platform(guests: int) -> Iterator[Platform]:
    with ExitStack() as stack:
        home = stack.enter_context(migrated_home())
        instance = stack.enter_context(Instance(home))
        found = Stack(instance, ports.unasked_port(), environment(instance))
        found.environment = {
            **found.environment,
            "PORT": str(found.port),
            "MODELS_DIR": str(home.root / "models"),
            "DJANGO_SETTINGS_MODULE": "tests.chaos.reloads.settings",
            "RATE_LIMITS": "ingest=off,read=off,write=off",
        }
        done = subprocess.run(
            [sys.executable, "-c", inside(f"prepare({guests})")],
            cwd=REPOSITORY,
            env=found.environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        told = json.loads(done.stdout.splitlines()[-1])
        found.token = told["token"]
        stack.callback(found.stop_web)
        found.start_web()
        found.wait_until_ready()
        yield Platform(found, told["night"], datetime.fromisoformat(told["started_at"]))


def reload_under_questions(
    platform: Platform, *, guests: int, seconds: float, rate: int, warm_up_s: float = 2.0
) -> Result:
    with _questions(platform, rate, warm_up_s) as result:
        loaded, started = platform.loads(), time.monotonic()
        with platform.swapper(guests, seconds) as swapper:
            assert swapper.stdout
            for line in swapper.stdout:
                result.swaps.append(json.loads(line))
                if len(result.swaps) % WEIGHED_EVERY == 0:
                    result.memory_kb[len(result.swaps)] = platform.memory_kb()
        result.swapped_in_s = time.monotonic() - started
        result.loads = platform.loads() - loaded
    return result


def only_questions(
    platform: Platform, *, seconds: float, rate: int, weighings: int, warm_up_s: float
) -> Result:
    """The same without a swap: what memory grows by here no swap has taken."""
    with _questions(platform, rate, warm_up_s) as result:
        for weighing in range(1, weighings + 1):
            time.sleep(seconds / weighings)
            result.memory_kb[weighing * WEIGHED_EVERY] = platform.memory_kb()
    return result


@contextmanager
def _questions(platform: Platform, rate: int, warm_up_s: float) -> Iterator[Result]:
    """An open loop: a question is due by the clock, however long the one before it takes."""
    result, over = Result(), threading.Event()
    asking = threading.Thread(target=_ask_all, args=(platform, rate, over, result))
    asking.start()
    try:
        time.sleep(warm_up_s)
        result.memory_kb[0] = platform.memory_kb()
        yield result
    finally:
        over.set()
        asking.join()


def _ask_all(platform: Platform, rate: int, over: threading.Event, result: Result) -> None:
    numbers, lock = itertools.count(), threading.Lock()
    started = time.monotonic()

    def ask() -> None:
        asked = platform.questions()
        port = platform.stack.port
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            ask_on(connection, asked)

    def ask_on(connection: http.client.HTTPConnection, asked: list[Question]) -> None:
        while not over.is_set():
            with lock:
                number = next(numbers)
            due = started + number / rate
            time.sleep(max(0.0, due - time.monotonic()))
            question = asked[number % len(asked)]
            version, wrong = _answer(connection, platform.stack.token, question)
            with lock:
                result.asked += 1
                result.late_s = max(result.late_s, time.monotonic() - due)
                if wrong:
                    result.wrong.append(wrong)
                else:
                    result.answered[version] += 1

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _answer(
    connection: http.client.HTTPConnection, token: str, question: Question
) -> tuple[str, str]:
    """Which version answered, and what is wrong with it."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/v1/predict", question.body, headers)
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return "", type(error).__name__
    if response.status != http.client.OK:
        return "", f"{response.status} {text[:200].decode(errors='replace')}"
    return str(json.loads(text)["model_version"]), question.wrong_with(text)
