"""A platform of its own to kill: embedded servers in a temporary home, and gunicorn. No Django.

Only processes that it started itself are ever killed."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from noctis.embedded import Instance
from noctis.embedded.processes import PROC, group_members, send, stat_fields
from noctis.launch import ports, web
from tests.chaos.ledger import Row
from tests.chaos.migrated import migrated_home
from tests.chaos.night import Night

Route = Callable[[Instance], dict[str, str]]
REPOSITORY = Path(__file__).resolve().parents[2]
UP_WITHIN_S = 60.0
PARENT = 1  # the field of /proc/<pid>/stat, counted behind the command name
ROWS = """
SELECT night.uuid::text, epoch_index, features,
       extract(epoch FROM epoch_start_ts - started_at)::float8 - 30 * epoch_index
FROM recordings_epoch epoch JOIN recordings_recording night ON night.id = recording_id
"""
COUNTED = "SELECT uuid::text, epoch_count, coalesce(last_index, -1) FROM recordings_recording"


@dataclass
class Stack:
    instance: Instance
    port: int
    environment: Mapping[str, str]
    token: str = ""
    nights: list[Night] = field(default_factory=list)
    _web: subprocess.Popen[bytes] | None = None

    def seed(self, count: int) -> None:
        code = (
            f"import django; django.setup(); from tests.chaos import seeded; seeded.main({count})"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=REPOSITORY,
            env=self.environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        told = json.loads(done.stdout)
        self.token = told["token"]
        self.nights = [
            Night(number, recording_id, datetime.fromisoformat(started_at))
            for number, (recording_id, started_at) in enumerate(told["nights"])
        ]

    def start_web(self) -> None:
        log = self.instance.home.log / "web.log"
        with log.open("ab") as output:
            self._web = subprocess.Popen(
                web.gunicorn(),
                cwd=REPOSITORY,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def master(self) -> int:
        assert self._web
        return self._web.pid

    def workers(self) -> list[int]:
        return [member.pid for member in group_members(self.master) if member.pid != self.master]

    def postgres_processes(self) -> list[int]:
        """The postmaster first, so that it cannot notice the end of a child before its own."""
        postmaster = self.instance.postgres.process()
        if postmaster is None:
            return []
        numbers = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
        parent = str(postmaster.pid)
        children = [n for n in numbers if stat_fields(n)[PARENT : PARENT + 1] == [parent]]
        return [postmaster.pid, *children]

    def revive_web(self) -> None:
        """What is left of a killed master's workers goes too: they hold its port."""
        assert self._web
        for pid in self.workers():
            send(pid, signal.SIGKILL)
        self._web.wait()
        self.start_web()

    def revive_postgres(self) -> None:
        self.instance.postgres.start()

    def stop_web(self) -> None:
        if self._web is None:
            return
        self._web.terminate()
        self._web.wait(30)
        for pid in self.workers():
            send(pid, signal.SIGKILL)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + UP_WITHIN_S
        while not self._is_ready():
            if self._web and self._web.poll() is not None:
                raise ChildProcessError(f"the web server ended: {self.web_log()[-2_000:]}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"not ready in {UP_WITHIN_S:g} s: {self.web_log()[-2_000:]}")
            time.sleep(0.1)
        # Another's server may answer at the port that ours could not have.
        assert self._web is None or self._web.poll() is None, self.web_log()[-2_000:]

    def web_log(self) -> str:
        return (self.instance.home.log / "web.log").read_text(errors="replace")

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz?for=ingest")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def sql(self, *statements: str) -> list[Any]:
        """Run statements outside a transaction; answers the rows of the last."""
        with psycopg.connect(self.instance.postgres.url(), autocommit=True) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)  # type: ignore[arg-type]  # our own text
            return cursor.fetchall() if cursor.description else []

    def rows(self) -> list[Row]:
        return self.sql(ROWS)

    def counted(self) -> dict[str, tuple[int, int]]:
        return {recording: (count, last) for recording, count, last in self.sql(COUNTED)}


@contextmanager
def running_stack(nights: int, route: Route | None = None, **settings: str) -> Iterator[Stack]:
    """`route` may lead the platform to its servers another way."""
    with ExitStack() as stack:
        home = stack.enter_context(migrated_home())
        instance = stack.enter_context(Instance(home))
        found = Stack(instance, ports.unasked_port(), environment(instance))
        led = route(instance) if route else {}
        found.environment = {**found.environment, "PORT": str(found.port), **led, **settings}
        found.seed(nights)
        stack.callback(found.stop_web)
        found.start_web()
        found.wait_until_ready()
        yield found


def environment(instance: Instance) -> dict[str, str]:
    """Nobody is limited, and a circuit is tried again at once: outages are what this is about."""
    return os.environ | {
        **instance.addresses(),
        "DJANGO_SETTINGS_MODULE": "noctis.settings",
        "NOCTIS_ENV": "development",
        "NOCTIS_VAR_DIR": str(instance.home.root),
        "PROMETHEUS_MULTIPROC_DIR": str(instance.home.metrics),
        "HOST": "127.0.0.1",
        "WEB_CONCURRENCY": "2",
        "RATE_LIMITS": "ingest=off",
        "DB_CIRCUIT_RECOVERY_SECONDS": "1",
        "LOG_LEVEL": "WARNING",
    }
