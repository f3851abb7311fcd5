"""One program under supervision: started in its own session, logged, restarted, ended."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from noctis.embedded import EmbeddedError, Home
from noctis.embedded.processes import group_members, identity_of, record, send

REPOSITORY = Path(__file__).resolve().parents[2]
LARGEST_LOG = 10_000_000
LONGEST_BACKOFF_S = 30.0
STEADY_AFTER_S = 60.0


@dataclass(frozen=True)
class Program:
    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None


class Child:
    """A program's process, from its first start to its end."""

    def __init__(self, program: Program, home: Home) -> None:
        self.program = program
        self.log = home.log / f"{program.name}.log"
        self._record = home.run / f"{program.name}.program"
        self._process: subprocess.Popen[bytes] | None = None
        self._started = self._due = 0.0
        self._said_before = 0
        self._crashes = 0

    def start(self) -> None:
        with open_log(self.log) as log:
            self._said_before = log.tell()
            self._process = subprocess.Popen(
                self.program.argv,
                cwd=REPOSITORY,
                env=os.environ | self.program.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started, self._due = time.monotonic(), 0.0
        if identity := identity_of(self._process.pid):
            record(self._record, identity)

    def restart_when_due(self) -> str:
        """Start a crashed program again after a growing pause. Empty when there is no news."""
        now = time.monotonic()
        if self._due:
            if now >= self._due:
                self.start()
            return ""
        code = self.exit_code()
        if code is None:
            return ""
        self._end_group()
        self._crashes = 0 if now - self._started > STEADY_AFTER_S else self._crashes + 1
        pause = min(0.5 * 2**self._crashes, LONGEST_BACKOFF_S)
        self._due = now + pause
        return f"{self.program.name} stopped ({code}), again in {pause:g} s: {self.log}"

    def wait_until_ready(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.program.ready and not self.program.ready():
            name, code = self.program.name, self.exit_code()
            if code is not None:
                raise EmbeddedError(f"{name} stopped at its start ({code}): {self._last_words()}")
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{name} is not ready in {seconds:g} s: {self._last_words()}")
            time.sleep(0.05)

    def stop(self, seconds: float, is_hurried: Callable[[], bool]) -> None:
        """Ask it to finish its work, then end all that is left of it."""
        if self._process is None:
            return
        if self.exit_code() is None:
            self._process.terminate()
        deadline = time.monotonic() + seconds
        while self.exit_code() is None and time.monotonic() < deadline and not is_hurried():
            time.sleep(0.02)
        self._end_group()
        self._record.unlink(missing_ok=True)
        self._process = None

    def exit_code(self) -> str | None:
        code = self._process.poll() if self._process else None
        if code is None:
            return None
        return f"exit {code}" if code >= 0 else signal.Signals(-code).name

    def _end_group(self) -> None:
        assert self._process is not None
        for member in group_members(self._process.pid):
            send(member.pid, signal.SIGKILL)
        self._process.wait()

    def _last_words(self) -> str:
        with open(self.log, "rb") as log:
            log.seek(max(self._said_before, log.seek(0, os.SEEK_END) - 4_000))
            lines = log.read().decode(errors="replace").strip().splitlines()
        # gunicorn's own lines, in brackets, only say that a worker failed.
        reasons = [line for line in lines if not line.startswith("[")]
        return f"{(reasons or lines or ['it said nothing'])[-1]} (log: {self.log})"


def open_log(path: Path) -> IO[bytes]:
    """Append to a private log; a large one is moved aside first, the one before it goes."""
    if path.exists() and path.stat().st_size > LARGEST_LOG:
        path.replace(path.with_name(f"{path.name}.1"))
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
