"""A file that appears whole or not at all: written aside, made durable, renamed. Pure."""

import fcntl
import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class AlreadyWritten(Exception):
    """Another process is writing the same file."""


class Aside:
    """Next to its place under a name of its own, for its owner's eyes, until it is published."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(f".{path.name}.part")
        self._digest = hashlib.sha256()
        self.is_published = False

    def __enter__(self) -> Self:
        # What a killed process left is written over; what a living one writes is locked.
        self._file = os.fdopen(os.open(self.part, os.O_WRONLY | os.O_CREAT, 0o600), "wb")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_there = os.path.samestat(os.fstat(self._file.fileno()), os.stat(self.part))
        except (BlockingIOError, FileNotFoundError):
            is_there = False
        if not is_there:  # locked, or renamed by its writer before the lock was ours
            self._file.close()
            raise AlreadyWritten
        self._file.truncate()
        return self

    def write(self, text: str) -> None:
        raw = text.encode()
        self._digest.update(raw)
        self._file.write(raw)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def settle(self) -> None:
        """Make what was written survive a power cut."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def publish(self) -> None:
        """Let it take its place, and make that durable too."""
        os.replace(self.part, self.path)
        self.is_published = True
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self.is_published:
            self.part.unlink(missing_ok=True)
        self._file.close()
