"""What a program says is kept, and does not grow without end."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from noctis.embedded import EmbeddedError, Home
from noctis.embedded.temporary import temporary_home
from noctis.launch.programs import LARGEST_LOG, Child, Program, open_log

AS_GUNICORN_ENDS = """
print('ImportError: no module nights')
print('[2026-11-21 05:50:22 +0000] [1] [ERROR] Reason: Worker failed to boot.')
raise SystemExit(3)
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with temporary_home() as found:
        found.prepare()
        yield found


def told(home: Home, code: str) -> str:
    child = Child(Program("web", (sys.executable, "-c", code), ready=lambda: False), home)
    child.start()
    with pytest.raises(EmbeddedError) as error:
        child.wait_until_ready(20.0)
    return str(error.value)


def test_a_log_is_private_and_continued(tmp_path: Path) -> None:
    path = tmp_path / "web.log"

    for line in (b"one\n", b"two\n"):
        with open_log(path) as log:
            log.write(line)

    assert path.read_bytes() == b"one\ntwo\n"
    assert path.stat().st_mode & 0o077 == 0


def test_a_large_log_is_moved_aside_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "web.log"
    with open(path, "wb") as file:
        file.truncate(LARGEST_LOG + 1)

    open_log(path).close()

    assert path.stat().st_size == 0
    assert (tmp_path / "web.log.1").stat().st_size == LARGEST_LOG + 1


def test_the_reason_is_quoted_and_not_that_a_worker_failed(home: Home) -> None:
    said = told(home, AS_GUNICORN_ENDS)

    assert said.startswith("web stopped at its start (exit 3): ImportError: no module nights (log")


def test_what_an_earlier_start_said_is_not_quoted(home: Home) -> None:
    told(home, AS_GUNICORN_ENDS)

    said = told(home, "raise SystemExit(1)")

    assert said.startswith("web stopped at its start (exit 1): it said nothing (log")
