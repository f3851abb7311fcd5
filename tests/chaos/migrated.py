"""Homes whose database has all tables already: made once in a test run, then copied.

Half the start of a platform is its migrations, and they are shown elsewhere."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from noctis.embedded import Home, Instance
from noctis.embedded.postgres import SECRET
from noctis.embedded.temporary import temporary_home

# The folder of the run; without it every platform makes its own tables.
KEPT_IN = "MIGRATED_DATABASE_DIR"
REPOSITORY = Path(__file__).resolve().parents[2]


@contextmanager
def migrated_home() -> Iterator[Home]:
    with temporary_home() as home:
        if folder := os.environ.get(KEPT_IN):
            kept = _kept(Path(folder))
            home.prepare()
            # As its owner may read it, and nobody else: the servers run as another user than root.
            subprocess.run(["cp", "-a", kept / "data", _data(home)], check=True)
            shutil.copy(kept / SECRET, _secret(home))
        yield home


def _data(home: Home) -> Path:
    return Instance(home).postgres.data


def _secret(home: Home) -> Path:
    return home.root / "secrets" / SECRET


def _kept(folder: Path) -> Path:
    """The stopped server's files; whoever asks first makes them, and the others wait."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / SECRET).exists():
            _make(folder)
    return folder


def _make(folder: Path) -> None:
    with temporary_home() as home:
        with Instance(home) as instance:
            environment = os.environ | {**instance.addresses(), "NOCTIS_VAR_DIR": str(home.root)}
            command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
            subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)
        subprocess.run(["cp", "-a", _data(home), folder / "data"], check=True)
        shutil.copy(_secret(home), folder / SECRET)
