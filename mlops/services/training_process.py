"""A fit runs in a process group of its own, which is ended with its time, or with whoever waits.

It is given a file and a folder, never the database; what it says on the way is read by lines."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec
from django.conf import settings

from noctis import errors
from noctis.embedded.processes import group_members, send

PAUSE_S = 0.25
# Longer than nothing to say takes at most: the claim behind it is held for a minute.
TELLS_EVERY_S = 10.0
ORDER, RESULT, ARTIFACT = "order.json", "result.json", "artifact"
SAID, COMPLAINED = "said.log", "complained.log"
Tell = Callable[[float, str], None]


class TrainingFailed(errors.Conflict):
    row = errors.registered(
        "training_failed",
        409,
        "The fit ended without a model",
        "The process that fits the model said why, ran out of its time or memory, or was killed.",
        "The run's log has the last of what it said.",
    )


@dataclass
class _Heard:
    """What the process has said so far."""

    stream: IO[str]
    progress: float = 0.0
    told_at: float = 0.0

    def tell(self, tell: Tell) -> None:
        """Hand on what is new; now and then that it is still at it."""
        lines = [line for line in self.stream.read().splitlines() if line.startswith("{")]
        for line in lines:
            said = msgspec.json.decode(line)
            self.progress = said["progress"]
            tell(self.progress, said["says"])
        now = time.monotonic()
        if not lines and now - self.told_at > TELLS_EVERY_S:
            tell(self.progress, "")
        if lines or now - self.told_at > TELLS_EVERY_S:
            self.told_at = now


def run_training(*, folder: Path, order: dict[str, Any], tell: Tell) -> Any:
    """Fit and judge as ordered, and give what was found; where that is there already, only that."""
    result = folder / RESULT
    if not result.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / ORDER).write_bytes(msgspec.json.encode(order))
        _wait_for(folder, tell)
    return msgspec.json.decode(result.read_bytes())


def _wait_for(folder: Path, tell: Tell) -> None:
    said, complained = folder / SAID, folder / COMPLAINED
    with said.open("w") as out, complained.open("w") as err, said.open() as heard:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlops.training", str(folder / ORDER), str(os.getpid())],
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            _follow(process, _Heard(heard), tell)
        finally:
            _end_group(process)
    if process.returncode != 0 or not (folder / RESULT).exists():
        raise TrainingFailed(_why(process.returncode, complained))


def _follow(process: "subprocess.Popen[bytes]", heard: _Heard, tell: Tell) -> None:
    until = time.monotonic() + settings.TRAINING_TIME_LIMIT_SECONDS
    while process.poll() is None:
        if time.monotonic() > until:
            limit = settings.TRAINING_TIME_LIMIT_SECONDS
            raise TrainingFailed(f"It took longer than {limit:g} s and was ended.")
        heard.tell(tell)
        time.sleep(PAUSE_S)
    heard.tell(tell)


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """Whatever happened: nothing that it started lives on."""
    for member in group_members(process.pid):
        send(member.pid, signal.SIGKILL)
    process.wait()


def _why(code: int, complained: Path) -> str:
    lines = complained.read_text(errors="replace").strip().splitlines()
    if code < 0:
        return f"It was killed: {signal.Signals(-code).name}."
    last = lines[-1] if lines else f"exit {code}, without a word"
    return last.removeprefix("failed: ")
