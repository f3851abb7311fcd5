"""A client that is slow with its headers gives its thread back; must not end an answer.

gunicorn's threads wait for headers for ever, and for a first byte for five seconds."""

import socket
import time
from contextlib import suppress
from threading import get_ident
from typing import Any

from gunicorn.workers.gthread import _DEFER, ThreadWorker

MOST_WAIT_S = 10.0


class Worker(ThreadWorker):
    """gunicorn's threads, for connections that have something to say and say it in time."""

    patience_s = MOST_WAIT_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # thread: until when it reads headers, and from where
        self._reading: dict[int, tuple[float, socket.socket]] = {}

    def handle(self, conn: Any) -> Any:
        if not conn.initialized and not conn.wait_for_data(0):
            return _DEFER  # to the poller, which calls when a byte comes
        self._reading[get_ident()] = (time.monotonic() + self.patience_s, conn.sock)
        try:
            return super().handle(conn)
        finally:
            self._reading.pop(get_ident(), None)

    def handle_request(self, req: Any, conn: Any) -> Any:
        self._reading.pop(get_ident(), None)
        return super().handle_request(req, conn)

    def notify(self) -> None:
        """Called by the main loop once a second, and after whatever happens."""
        super().notify()
        for until, sender in list(self._reading.values()):
            if time.monotonic() > until:
                with suppress(OSError):  # it has gone by itself
                    sender.shutdown(socket.SHUT_RDWR)
