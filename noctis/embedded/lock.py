"""One holder at a time for a home; the kernel lets go of the lock when its holder dies."""

import fcntl
import os
from pathlib import Path

from noctis.embedded.errors import EmbeddedError, explain_os_error


class AlreadyRunning(EmbeddedError):
    def __init__(self, pid: str) -> None:
        super().__init__(f"already running (pid {pid or 'unknown'}): see `make status`")


class Lock:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock and say who holds it, or raise `AlreadyRunning`."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise explain_os_error("lock", error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyRunning(self.holder()) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> str:
        """The number that the last holder wrote; meaningful only while the lock is taken."""
        return self.path.read_text(encoding="ascii") if self.path.exists() else ""
