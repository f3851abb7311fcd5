"""Homes that live as long as one process, and the removal of those whose process was killed."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from noctis.embedded.home import Home
from noctis.embedded.instance import Instance
from noctis.embedded.lock import AlreadyRunning

PREFIX = "noctis-temporary-"
# A home is made a moment before it is taken; within this time it may look abandoned.
YOUNG_S = 60.0


@contextmanager
def temporary_home() -> Iterator[Home]:
    """A home of one's own, removed with its data at the end, whether its servers run or not."""
    discard_abandoned()
    root = Path(tempfile.mkdtemp(prefix=PREFIX))
    with _taken(root):
        home = Home.at(root)
        try:
            yield home
        finally:
            discard(home)


@contextmanager
def _taken(root: Path) -> Iterator[None]:
    """Nobody else's, until the end of this process at the latest."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def discard(home: Home) -> None:
    Instance(home).reset()
    shutil.rmtree(home.root)


def discard_abandoned() -> None:
    """Stop and remove what killed test runs left: what neither its maker nor a user holds."""
    for root in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            found = root.lstat()
        except FileNotFoundError:
            continue
        if found.st_uid != os.geteuid() or found.st_mtime > time.time() - YOUNG_S:
            continue
        try:
            with _taken(root):
                discard(Home.at(root))
        except (BlockingIOError, AlreadyRunning, FileNotFoundError):  # or another run removes it
            continue
