"""The device's core as a program on this machine, built once a run from firmware/."""

import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

FIRMWARE = Path(__file__).parents[2] / "firmware"
COMPILER = shutil.which("gcc") or shutil.which("cc")
FLAGS = ["-std=c11", "-O1", "-ffp-contract=off", "-D_POSIX_C_SOURCE=200809L"]
FOLDERS = [f"-I{FIRMWARE / folder}" for folder in ("core/include", "ports/host")]


def built(target: Path, *sources: Path, libraries: tuple[str, ...] = ()) -> Path:
    """Link sources with the whole core and the board in memory."""
    command = [str(COMPILER), *FLAGS, *FOLDERS, *map(str, (*_objects(), *sources))]
    subprocess.run([*command, "-lm", *libraries, "-o", str(target)], check=True)
    return target


@cache
def _objects() -> list[Path]:
    """Compile what every program has in common once a run; gone at its end."""
    folder = Path(tempfile.mkdtemp(prefix="noctis-core-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    parts = [*FIRMWARE.glob("core/src/*.c"), *FIRMWARE.glob("ports/host/*.c")]
    command = [str(COMPILER), *FLAGS, *FOLDERS, "-c", *map(str, parts)]
    subprocess.run(command, cwd=folder, check=True)
    return sorted(folder.glob("*.o"))
