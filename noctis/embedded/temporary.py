"""Homes that live as long as one process, and the removal of those whose process was killed."""

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
# A home is made a moment before it is locked; within this time it may look abandoned.
YOUNG_S = 60.0


@contextmanager
def temporary_home() -> Iterator[Home]:
    """A home of one's own, removed with its data at the end. Whoever uses it holds its lock."""
    discard_abandoned()
    home = Home.at(Path(tempfile.mkdtemp(prefix=PREFIX)))
    try:
        yield home
    finally:
        discard(home)


def discard(home: Home) -> None:
    Instance(home).reset()
    shutil.rmtree(home.root)


def discard_abandoned() -> None:
    """Stop and remove what killed test runs left. A lock that is held says: not abandoned."""
    for root in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            found = root.lstat()
        except FileNotFoundError:
            continue
        if found.st_uid != os.geteuid() or found.st_mtime > time.time() - YOUNG_S:
            continue
        try:
            discard(Home.at(root))
        except (AlreadyRunning, FileNotFoundError):  # it is used, or another run removes it
            continue
