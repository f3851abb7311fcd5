"""A platform of its own to kill: embedded servers, a Celery worker and beat. No Django."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from noctis.embedded import Instance
from noctis.embedded.processes import group_members, send
from tests.chaos.migrated import migrated_home
from tests.chaos.stack import REPOSITORY, environment

LOST = "Task handler raised error: WorkerLostError"


@dataclass(frozen=True)
class Chosen:
    """A night, and whether it is over or goes on."""

    uuid: str
    origin: float
    is_over: bool


@dataclass
class Stack:
    instance: Instance
    environment: Mapping[str, str]
    # A module that the worker imports beside the platform's.
    include: str = ""
    tenant: int = 0
    schema: int = 0
    nights: list[Chosen] = field(default_factory=list)
    _programs: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def inside(self, call: str) -> Any:
        """Run a function of `inside` in a process with Django, and read what it printed."""
        code = (
            f"import django; django.setup(); from tests.chaos.staging import inside; inside.{call}"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=REPOSITORY,
            env=self.environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        return json.loads(done.stdout)

    def seed(self, over: int, going_on: int) -> None:
        told = self.inside(f"seed({over}, {going_on})")
        self.tenant, self.schema = told["tenant"], told["schema"]
        self.nights = [Chosen(*night) for night in told["nights"]]

    def start(self, name: str) -> None:
        argv = ["celery", "-A", "noctis.celery", name, "--loglevel=WARNING"]
        if name == "worker":
            argv += ["--concurrency=2", *(["--include", self.include] if self.include else [])]
        with (self.instance.home.log / f"{name}.log").open("ab") as output:
            self._programs[name] = subprocess.Popen(
                [sys.executable, "-m", *argv],
                cwd=REPOSITORY,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def pid(self, name: str) -> int:
        return self._programs[name].pid

    def children(self) -> list[int]:
        """The worker's processes that do the work."""
        master = self.pid("worker")
        return [member.pid for member in group_members(master) if member.pid != master]

    def revive(self, name: str) -> None:
        """What is left of a killed program goes too, as a supervisor would see to it."""
        self.end(name)
        self.start(name)

    def end(self, name: str) -> None:
        program = self._programs.pop(name, None)
        if program is None:
            return
        for member in group_members(program.pid):
            send(member.pid, signal.SIGKILL)
        program.wait()

    def end_all(self) -> None:
        for name in [*self._programs]:
            self.end(name)

    def sql(self, statement: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.instance.postgres.url(), autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)  # else % is a place to fill
            return cursor.fetchall() if cursor.description else []

    def wait_for(self, statement: str, within_s: float) -> bool:
        """Until a question to the database is answered with true."""
        deadline = time.monotonic() + within_s
        while self.sql(statement) != [(True,)]:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True

    def log(self) -> str:
        return (self.instance.home.log / "worker.log").read_text(errors="replace")

    @property
    def cut_short(self) -> int:
        """Tasks whose process was killed under them, as the worker tells of its children."""
        return self.log().count(LOST)


@contextmanager
def running_stack(over: int, going_on: int, include: str = "") -> Iterator[Stack]:
    with ExitStack() as stack:
        home = stack.enter_context(migrated_home())
        instance = stack.enter_context(Instance(home))
        impatient = {"DJANGO_SETTINGS_MODULE": "tests.chaos.staging.settings"}
        found = Stack(
            instance, environment(instance) | impatient | {"OMP_NUM_THREADS": "1"}, include
        )
        found.seed(over, going_on)
        stack.callback(found.end_all)
        for name in ("worker", "beat"):
            found.start(name)
        yield found
