"""gunicorn's workers take new connections by turns, so that each holds its share of them.

The kernel wakes them all for each, and the one that is awake anyway wins: it is the busiest.
Without it two workers served seven and one of eight senders, in four of six tries."""

import mmap
import time
from typing import Any

from noctis import slow_headers

MOST_WORKERS = 256
GIVES_WAY_S = 0.005
STILL_THERE_S = 0.01  # what nobody has taken by then is one's own
SILENT_S = 2.5  # a living worker tells once a second

# Told by each worker and read by its siblings: how many connections it holds, and when that was.
# Made before the workers are, and theirs together.
_BOARD = memoryview(mmap.mmap(-1, MOST_WORKERS * 16)).cast("d")


class Worker(slow_headers.Worker):
    """Gives way for a moment while a sibling holds fewer, then takes what nobody has taken."""

    _accepts_at = 0.0
    _has_given_way = False

    def accept(self, listener: Any) -> None:
        now = time.monotonic()
        is_left = self._has_given_way and now < self._accepts_at + STILL_THERE_S
        self._has_given_way = not is_left and self.nr_conns > self._fewest(now)
        if self._has_given_way:
            self._accepts_at = now + GIVES_WAY_S
            self.set_accept_enabled(False)
            return
        super().accept(listener)
        self._tell(now)

    def set_accept_enabled(self, enabled: bool) -> None:
        """gunicorn asks for it each time round."""
        super().set_accept_enabled(enabled and time.monotonic() >= self._accepts_at)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        left = self._accepts_at - time.monotonic()
        super().wait_for_and_dispatch_events(left if 0 < left < timeout else timeout)

    def notify(self) -> None:
        super().notify()
        self._tell(time.monotonic())

    def _tell(self, now: float) -> None:
        mine = self.age % MOST_WORKERS * 2
        _BOARD[mine], _BOARD[mine + 1] = self.nr_conns, now

    def _fewest(self, now: float) -> float:
        """Connections that any worker holds, of those that are alive."""
        told = _BOARD.tolist()
        living = zip(told[::2], told[1::2], strict=True)
        return min((count for count, at in living if now - at < SILENT_S), default=0)
