"""A promotion outlives servers, web processes and workers: all stopped, and started again."""

import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from noctis.embedded import Home, Instance
from noctis.embedded.temporary import temporary_home
from noctis.launch import smoke
from noctis.launch.smoke_models import Shell
from noctis.launch.stranger import Stranger, pasted

WITHIN_S = 120.0
BEFORE, NEW = "linear-1", "null-clock"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    # The tests' own servers; the platform has its own.
    for inherited in ("DATABASE_URL", "REDIS_URL", "PROMETHEUS_MULTIPROC_DIR"):
        monkeypatch.delenv(inherited, raising=False)
    with temporary_home() as found:
        yield found


def stranger_of(printed: dict[str, str]) -> Stranger:
    found = Stranger(printed["Console"].removesuffix("/console/"), tell=lambda _: None)
    _, found.token = pasted(printed["Try"])
    return found


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    assert process.wait(smoke.STOPS_WITHIN_S) == 0


def processes_of(home: Home) -> set[str]:
    """The command of whatever still runs for this platform."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"NOCTIS_VAR_DIR={home.root}".encode() in (entry / "environ").read_bytes():
                found.add((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def serving(stranger: Stranger) -> dict[str, list[str]]:
    items = stranger.expect(200, "GET", "/v1/models").body["items"]
    return {row["version"]: row["serves"] for row in items if row["serves"]}


def staged_anew(stranger: Stranger, shell: Shell) -> str:
    """Which version a worker stages a new night by."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    of = ("--tenant", "harbour", "--device", "RS-1", "--device-name", "after the restart")
    shell.run("nights", "simulate", *of, "--nights", "1", "--end", str(yesterday))
    device = stranger.expect(200, "GET", "/v1/devices?external_id=RS-1").body["items"][0]
    path = f"/v1/recordings?device_id={device['id']}&status=staged"
    until = time.monotonic() + WITHIN_S
    while not (nights := stranger.expect(200, "GET", path).body["items"]):
        assert time.monotonic() < until, "no worker staged the night"
        time.sleep(0.5)
    night: dict[str, Any] = stranger.expect(
        200, "GET", f"/v1/recordings/{nights[0]['id']}/hypnogram"
    ).body
    return str(night["model_version"])


@pytest.mark.stack
def test_what_was_promoted_serves_after_everything_was_stopped_and_started(home: Home) -> None:
    shell = Shell(smoke.of_the_platform(str(home.root)))
    with smoke.demo(str(home.root)) as (process, printed):
        before = serving(stranger_of(printed))
        waived = ("--waive", "only to see whether it stays")
        shell.run("model", "serve", NEW, "--reason", "a restart follows", *waived)
        running = processes_of(home)
        stop(process)

    left = processes_of(home)
    is_up = Instance(home).is_running()
    with smoke.demo(str(home.root)) as (process, printed):
        stranger = stranger_of(printed)
        after, reloaded = serving(stranger), shell.run("model", "reload")
        by_worker = staged_anew(stranger, shell)
        stop(process)

    assert before == {BEFORE: ["live", "night"]}
    assert {kind for kind in ("gunicorn", "celery") if any(kind in one for one in running)} == {
        "gunicorn",
        "celery",
    }
    assert (left, is_up) == (set(), False)
    assert after == {NEW: ["live", "night"]}
    assert {(row["live"], row["night"]) for row in reloaded} == {(NEW, NEW)}
    assert by_worker == NEW
