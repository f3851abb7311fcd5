"""The supervisor with real servers and small programs: crash, kill -9, Ctrl-C, a taken port."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from noctis.embedded import EmbeddedError, Home, Instance
from noctis.embedded.processes import Identity, recorded
from noctis.embedded.temporary import temporary_home
from noctis.launch import ports

REPOSITORY = Path(__file__).resolve().parents[2]
RUN = """
import sys, time
from pathlib import Path
from noctis.embedded import EmbeddedError, Home
from noctis.launch.programs import Program
from noctis.launch.supervisor import run, tell

root, port, host, preparing_s, web = sys.argv[1:]
python = (sys.executable, "-c")
programs = [
    Program("worker", (*python, "import subprocess, sys;"
        "subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])")),
    Program("web", (sys.executable, "-m", web, "--bind", "127.0.0.1", port),
        ready=lambda: __import__("socket").socket().connect_ex(("127.0.0.1", int(port))) == 0),
]
try:
    prepare = lambda: (tell("preparing"), time.sleep(float(preparing_s)))
    sys.exit(run(Home.at(Path(root)), int(port), prepare,
        lambda: tell("announced"), host=host, programs=programs))
except EmbeddedError as error:
    sys.exit(str(error))
"""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with temporary_home() as found:
        yield found


@pytest.fixture
def start(home: Home) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(
        port: int, host: str = "127.0.0.1", preparing_s: int = 0, web: str = "http.server"
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(home.root), str(port), host, str(preparing_s), web],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=30)


def read_until(process: subprocess.Popen[str], wanted: str) -> list[str]:
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if wanted in line:
            return lines
    raise AssertionError(f"{wanted!r} is not in {lines}")


def program(home: Home, name: str) -> Identity:
    found = recorded(home.run / f"{name}.program")
    assert found
    return found


def test_it_prepares_announces_and_stops_all_when_asked(home: Home, start: Start) -> None:
    process = start(ports.unasked_port())
    read_until(process, "preparing")
    read_until(process, "announced")
    web, worker = program(home, "web"), program(home, "worker")
    assert web.is_alive()

    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)

    assert (process.returncode, said) == (0, "stopped\n")
    assert not web.is_alive()
    assert not worker.is_alive()
    assert not Instance(home).is_running()
    assert list(home.run.glob("*.program")) == []


def test_a_request_to_stop_while_it_prepares_leaves_nothing_running(
    home: Home, start: Start
) -> None:
    process = start(ports.unasked_port(), preparing_s=60)
    read_until(process, "preparing")
    assert Instance(home).is_running()

    process.terminate()
    said, _ = process.communicate(timeout=30)

    assert (process.returncode, said) == (0, "stopped\n")
    assert not Instance(home).is_running()


def test_a_program_that_cannot_start_is_named_with_its_last_words(home: Home, start: Start) -> None:
    process = start(ports.unasked_port(), web="no_such_module")
    said, _ = process.communicate(timeout=30)

    assert "web stopped at its start (exit 1): " in said
    assert f"No module named no_such_module (log: {home.log / 'web.log'})" in said
    assert process.returncode == 1
    assert not Instance(home).is_running()


def test_a_crashed_program_is_started_again_and_said(home: Home, start: Start) -> None:
    process = start(ports.unasked_port())
    read_until(process, "announced")
    before = program(home, "worker")

    os.kill(before.pid, signal.SIGKILL)

    assert "worker stopped (SIGKILL), again in 1 s" in read_until(process, "worker")[-1]
    deadline = time.monotonic() + 10
    while program(home, "worker") == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_server_is_started_again(home: Home, start: Start) -> None:
    process = start(ports.unasked_port())
    read_until(process, "announced")
    valkey = Instance(home).valkey.process()
    assert valkey

    os.kill(valkey.pid, signal.SIGKILL)
    read_until(process, "a server stopped")

    deadline = time.monotonic() + 10
    while not Instance(home).is_running():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_a_killed_supervisor_leaves_is_taken_over(home: Home, start: Start) -> None:
    port = ports.unasked_port()
    first = start(port)
    read_until(first, "announced")
    web, worker = program(home, "web"), program(home, "worker")
    postgres = Instance(home).postgres.process()
    first.kill()
    first.wait()
    assert web.is_alive()

    second = start(port)
    said = read_until(second, "announced")

    assert said[:2] == [
        "ended web of a supervisor that was killed",
        "ended worker of a supervisor that was killed",
    ]
    assert not web.is_alive()
    assert not worker.is_alive()
    assert Instance(home).postgres.process() == postgres


def test_a_second_start_says_who_runs(start: Start) -> None:
    first = start(ports.unasked_port())
    read_until(first, "announced")

    second = start(ports.unasked_port())
    said, _ = second.communicate(timeout=30)

    assert said == f"already running (pid {first.pid}): see `make status`\n"
    assert second.returncode == 1
    assert first.poll() is None


def test_a_taken_port_is_one_line_with_the_fix(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        said, _ = start(port).communicate(timeout=30)

    assert said.startswith(f"port {port} is taken: PORT=")
    assert said.endswith(" make demo\n")


def test_only_loopback_is_bound(start: Start) -> None:
    said, _ = start(ports.unasked_port(), host="0.0.0.0").communicate(timeout=30)

    assert said == "the demo binds loopback only, not 0.0.0.0: unset HOST\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_every_loopback_name_is_accepted(host: str) -> None:
    ports.require_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "192.168.1.2", "example.org"])
def test_every_other_name_is_refused(host: str) -> None:
    with pytest.raises(EmbeddedError, match="loopback only"):
        ports.require_loopback(host)


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(EmbeddedError, match="is not a port"):
        ports.require_free("127.0.0.1", port)
