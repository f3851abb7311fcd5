"""The device's core as a program on this machine, built once a run from firmware/."""

import shutil
import subprocess
from pathlib import Path

FIRMWARE = Path(__file__).parents[2] / "firmware"
COMPILER = shutil.which("gcc") or shutil.which("cc")
FLAGS = ["-std=c11", "-O2", "-ffp-contract=off", "-D_POSIX_C_SOURCE=200809L"]


def built(target: Path, *sources: Path, libraries: tuple[str, ...] = ()) -> Path:
    """Compile sources with the whole core and the board in memory."""
    parts = [*FIRMWARE.glob("core/src/*.c"), *FIRMWARE.glob("ports/host/*.c"), *sources]
    folders = [f"-I{FIRMWARE / folder}" for folder in ("core/include", "ports/host")]
    command = [str(COMPILER), *FLAGS, *folders, *map(str, parts), "-lm", *libraries]
    subprocess.run([*command, "-o", str(target)], check=True)
    return target
