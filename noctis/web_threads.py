"""gunicorn's threads, each of which waits for the next request itself; must not read a byte.

gunicorn's own pass a connection to a poller after each answer and back for each request: two more
threads to wake, a future and two pipes for what one call of the kernel does.
"""

import errno
import os
import select
import selectors
import socket
import time
from threading import Lock
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

# One thread for each call, until the connection is armed again.
CALLED = select.EPOLLIN | select.EPOLLONESHOT


class WaitingWorker(ThreadWorker):
    """The main thread accepts, and closes what is silent for too long; the others answer."""

    alive: bool

    def init_process(self) -> None:
        self._calls = select.epoll()
        self._over = os.eventfd(0)
        self._counting = Lock()
        # Those that wait for a request: whoever takes one out of here, by its number, owns it.
        self.keepalived_conns: dict[int, Any] = {}
        super().init_process()

    def run(self) -> None:
        self._calls.register(self._over, select.EPOLLIN)
        for _ in range(self.cfg.threads):
            self.tpool.submit(self._answer_calls)
        try:
            self._accept_calls()
        finally:
            # Whatever ends the main thread, a signal too: the process waits for the others.
            os.eventfd_write(self._over, 1)
            self.tpool.shutdown(wait=False)

    def _accept_calls(self) -> None:
        # A signal wakes the main thread by this.
        self.poller.register(
            self.method_queue.fileno(), selectors.EVENT_READ, self.method_queue.run_callbacks
        )
        while self.alive and self.is_parent_alive():
            self.set_accept_enabled(self.nr_conns < self.worker_connections)
            self._wait()
        self.alive = False
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
        self._drain()

    def _wait(self) -> None:
        self.notify()
        self.wait_for_and_dispatch_events(timeout=1.0)
        self._close_expired(time.monotonic())

    def _drain(self) -> None:
        """Answer what is under way; a kept connection may still bring the request that it sends."""
        now = time.monotonic()
        for conn in list(self.keepalived_conns.values()):
            conn.timeout = min(conn.timeout, now + STOP_KEEPALIVE_LINGER)
        while self.nr_conns and time.monotonic() < now + self.cfg.graceful_timeout:
            self.notify()
            time.sleep(0.05)
            self._close_expired(time.monotonic())

    def accept(self, listener: socket.socket) -> None:
        try:
            sender, address = listener.accept()
        except OSError as error:  # another process was quicker, or the sender went
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        with self._counting:
            self.nr_conns += 1
        conn = TConn(self.cfg, sender, address, listener.getsockname())
        conn.data_ready = True  # by the time that a thread has it
        self._await_call(conn, self._calls.register)

    def _await_call(self, conn: Any, arm: Any) -> None:
        conn.set_timeout()
        if not self.alive:
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
        number = conn.sock.fileno()
        self.keepalived_conns[number] = conn
        arm(number, CALLED)

    def _answer_calls(self) -> None:
        """What each thread does, until the end."""
        while True:
            for number, _ in self._calls.poll(maxevents=1):
                if number == self._over:
                    return
                if conn := self.keepalived_conns.pop(number, None):
                    self._answer(conn)

    def _answer(self, conn: Any) -> None:
        is_kept = False
        try:
            is_kept = self.handle(conn)
            # What was read ahead of the next request calls nobody.
            while is_kept and conn.parser.unreader.buf.getvalue():
                is_kept = self.handle(conn)
        except (Exception, SystemExit):
            self.log.exception("a request ended its thread's work")
        if is_kept:
            self._await_call(conn, self._calls.modify)
        else:
            self._close(conn, graceful=True)

    def _close_expired(self, now: float) -> None:
        for number, conn in list(self.keepalived_conns.items()):
            if conn.timeout <= now and self.keepalived_conns.pop(number, None):
                self._close(conn, graceful=False)

    def _close(self, conn: Any, *, graceful: bool) -> None:
        try:
            conn.close(graceful=graceful)
        finally:
            with self._counting:
                self.nr_conns -= 1
