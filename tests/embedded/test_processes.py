"""A process is its number and its start: the one who reuses a number is a stranger."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from noctis.embedded.processes import (
    Identity,
    command_line,
    end,
    end_recorded_programs,
    group_members,
    identity_of,
    record,
    recorded,
)

SLEEP = "import time; time.sleep(60)"
WITH_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def identity(process: subprocess.Popen[bytes]) -> Identity:
    found = identity_of(process.pid)
    assert found
    return found


def test_a_process_keeps_its_identity_while_it_lives(sleeper: subprocess.Popen[bytes]) -> None:
    assert identity(sleeper) == identity(sleeper)
    assert identity(sleeper).is_alive()
    assert identity_of(os.getpid()) != identity(sleeper)


def test_a_zombie_is_not_alive(sleeper: subprocess.Popen[bytes]) -> None:
    before = identity(sleeper)

    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)

    assert not before.is_alive()


def test_a_stranger_with_the_same_number_is_not_signalled(
    sleeper: subprocess.Popen[bytes],
) -> None:
    earlier = replace(identity(sleeper), started="long ago")

    end(earlier, 0.1)

    assert sleeper.poll() is None


def test_a_process_that_ignores_the_request_is_ended_all_the_same() -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); "
    process = subprocess.Popen(
        [sys.executable, "-c", stubborn + "time.sleep(60)"], stdout=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()

    end(identity(process), 0.1)

    assert process.wait(5) == -signal.SIGKILL
    process.stdout.close()


def test_a_record_is_read_back_and_a_broken_one_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "web.program"
    known = Identity(12, "then")

    record(path, known)

    assert recorded(path) == known
    assert recorded(tmp_path / "absent") is None
    path.write_text('{"pid":')
    assert recorded(path) is None


def test_recorded_programs_are_ended_with_their_children(tmp_path: Path) -> None:
    leader = subprocess.Popen([sys.executable, "-c", WITH_CHILD], start_new_session=True)
    while len(group_members(leader.pid)) < 2:
        pass
    record(tmp_path / "web.program", identity(leader))

    ended = end_recorded_programs(tmp_path, seconds=1.0)

    assert ended == ["web"]
    assert leader.wait(5)
    assert group_members(leader.pid) == []
    assert list(tmp_path.iterdir()) == []


def test_children_whose_leader_was_killed_are_found_and_ended(tmp_path: Path) -> None:
    leader = subprocess.Popen([sys.executable, "-c", WITH_CHILD], start_new_session=True)
    while len(group_members(leader.pid)) < 2:
        pass
    record(tmp_path / "web.program", identity(leader))
    leader.kill()
    leader.wait()

    ended = end_recorded_programs(tmp_path)

    assert ended == ["web"]
    assert group_members(leader.pid) == []


def test_a_group_of_strangers_with_a_recorded_number_is_spared(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", WITH_CHILD], start_new_session=True)
    while len(group_members(stranger.pid)) < 2:
        pass
    record(tmp_path / "web.program", replace(identity(stranger), started="long ago"))

    ended = end_recorded_programs(tmp_path)

    assert ended == []
    assert len(group_members(stranger.pid)) == 2
    os.killpg(stranger.pid, signal.SIGKILL)
    stranger.wait()


def test_a_command_line_is_read_and_a_gone_process_has_none(
    sleeper: subprocess.Popen[bytes],
) -> None:
    deadline = time.monotonic() + 5
    while not command_line(sleeper.pid) and time.monotonic() < deadline:
        pass  # between fork and exec there is none

    assert command_line(sleeper.pid).startswith(sys.executable)
    assert command_line(2**22 + 1) == ""
