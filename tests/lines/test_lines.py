"""The probes see the lines that coverage.py's tracer sees, in every process, and change nothing."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lines.__main__ import lines_seen, prepare
from tests.lines.sitecustomize import FOLDER

EVERY_STATEMENT = '''"""A module's own words."""
from __future__ import annotations

import enum
import os
import sys
from functools import cache

number: int = 3
total = 0


@cache
def halved(
    value: int,
) -> int:
    """Half of it."""
    global total
    total += 1
    if value > 100:
        return 0
    elif value == 6:
        return value // 2
    else:
        value -= 1
    return value // 2


class Colour(enum.Enum):
    """What it is."""

    RED = 1
    BLUE = 2

    @property
    def is_red(self) -> bool:
        return self is Colour.RED


def tried(value: object) -> str:
    try:
        value + 1
    except ValueError:
        return "never"
    except TypeError:
        return "a type"
    else:
        return "good"
    finally:
        value = None


def found(value: object) -> str:
    match value:
        case [first, *_] if first:
            return "list"
        case str():
            return "text"
        case _:
            return "other"


for place in range(3):
    if place == 2:
        break
    continue
else:
    number = 0
while number:
    number -= 1
with open(os.devnull) as file, \\
        open(os.devnull):
    pass
squares = [
    one * one
    for one in range(3)
    if one
]
told = (halved(6), halved(7), Colour.RED.is_red, tried(1), tried("x"), found([1]), found("x"))
del file
if __name__ == "__main__":
    print(told, squares, Colour.__doc__, halved.__doc__, __doc__, total, list(Colour))
'''
UNTIL_KILLED = """import os, signal

before = 1
if before:
    os.kill(os.getpid(), signal.SIGKILL)
after = 1
"""


def ran(path: Path, *words: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Import the module by its name, as its own main."""
    own = Path(__file__).parent
    watched = {FOLDER: str(folder), "PYTHONPATH": str(own)} if folder else {}
    kept = {name: text for name, text in os.environ.items() if name not in (FOLDER, "PYTHONPATH")}
    return subprocess.run(
        [sys.executable, *words, path.stem],
        cwd=path.parent,
        env=kept | watched,
        capture_output=True,
        text=True,
        check=False,
    )


def watched(path: Path, folder: Path, *words: str) -> tuple[list[int], int, str]:
    """The lines that ran, how it ended, and what it told."""
    folder.mkdir()
    starts = prepare(folder, [path])
    told = ran(path, *words, folder=folder)
    return lines_seen(folder, starts)[str(path)], told.returncode, told.stdout + told.stderr


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "sample.py"
    path.write_text(EVERY_STATEMENT)
    return path


def test_what_the_probes_see_is_what_the_tracer_sees(module: Path, tmp_path: Path) -> None:
    traced = ran(module, "-m", "coverage", "run", "--rcfile=/dev/null", "-m")
    missing = tmp_path / "missing.json"
    exported = ["-m", "coverage", "json", "--rcfile=/dev/null", "-q", f"-o{missing}"]
    subprocess.run([sys.executable, *exported], cwd=tmp_path, check=True)
    (by_tracer,) = json.loads(missing.read_text())["files"].values()

    lines, status, told = watched(module, tmp_path / "lines", "-m")

    statements = {*by_tracer["executed_lines"], *by_tracer["missing_lines"]}
    assert (traced.returncode, status) == (0, 0), told
    assert told == traced.stdout
    assert sorted(statements.intersection(lines)) == by_tracer["executed_lines"]
    assert by_tracer["missing_lines"]


def test_what_ran_before_a_kill_is_seen_and_what_did_not_is_not(tmp_path: Path) -> None:
    path = tmp_path / "cut.py"
    path.write_text(UNTIL_KILLED)

    lines, status, _ = watched(path, tmp_path / "lines", "-m")

    assert status == -signal.SIGKILL
    assert lines == [1, 3, 4, 5]
