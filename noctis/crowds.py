"""gunicorn's threads behind a bounded line: what does not fit is refused by the main loop, at once.

While there is room it looks at a request's first bytes and takes none of them."""

import re
import socket
import threading
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.workers.gthread import _DEFER

from noctis import shares
from noctis.line import Line, Rank, rank_of
from noctis.sockets import Patient

HEAD_BYTES = 8_192
MOST_AT_ONCE = 262_144
LINGER_S = 2.0
TOLD_EVERY_S = 0.5
AT_ONCE_S = 0.002
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n")
BODILESS = (b"GET ", b"HEAD ", b"DELETE ", b"OPTIONS ")
ENDLESS = dict.fromkeys(Rank, 1_000_000)
KEPT, NOT_YET, GONE = Future[Any](), Future[Any](), Future[Any]()
KEPT.set_result(True)
NOT_YET.set_result(_DEFER)
GONE.set_result(False)


class Worker(shares.Worker):
    """The application says how much it bears (`most`), what a refusal looks like, and is told
    once a second how much is in flight. One that says nothing bears everything."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._leaving: deque[tuple[float, Any]] = deque()
        self._tell_at = 0.0
        self._room = memoryview(bytearray(MOST_AT_ONCE))

    def get_thread_pool(self) -> Any:
        """gunicorn submits nothing to it; it is there to be shut down."""
        self.line = Line(self.cfg.threads, ENDLESS)
        self.probes = Line(1, ENDLESS)  # a probe waits for no one
        for line, threads in ((self.line, self.cfg.threads), (self.probes, 1)):
            for _ in range(threads):
                threading.Thread(target=line.work, daemon=True).start()
        return self

    def shutdown(self, **_: Any) -> None:
        self.line.close()
        self.probes.close()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.line.most = getattr(self.wsgi, "most", ENDLESS)

    def enqueue_req(self, conn: Any) -> None:
        """Called by the main loop for a new connection, and for one whose next request is here."""
        if not conn.initialized and not isinstance(conn.sock, Patient):
            conn.sock = Patient.of(conn.sock)
        if self._is_refused(conn):
            self.finish_request(conn, KEPT)
            return
        head = _beginning(conn)
        if head is None:
            self.finish_request(conn, NOT_YET)
        elif not head:
            self.finish_request(conn, GONE)
        elif not self._joins(conn, head):  # and there is more of it to come
            self._send(conn, self.wsgi.refusal(head, rank_of(head), is_kept=False))
            self.finish_request(conn, GONE)

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        if not self._is_refused(conn):
            super().on_client_socket_readable(conn, client)

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        if not self._is_refused(conn):
            super().on_pending_socket_readable(conn, client)

    def _is_refused(self, conn: Any) -> bool:
        """Whether there was no room for it and all of it has come, so that the connection is kept.

        A call into the kernel lets the threads run, and costs a wait for them: here are two."""
        if not self.line.is_full():
            return False
        conn.init()
        if conn.parser.unreader.buf.getvalue():
            return False
        with suppress(OSError):
            taken = conn.sock.recv_into(self._room, 0, socket.MSG_DONTWAIT)
            came = bytes(self._room[:taken])
            rank = rank_of(came)
            if 0 < taken == _length(came) and not self.line.has_room(rank):
                self._send(conn, self.wsgi.refusal(came, rank, is_kept=True))
                return True
            conn.parser.unreader.unread(came)
        return False

    def _send(self, conn: Any, refusal: bytes) -> None:
        """Whoever does not read it is let go."""
        try:
            conn.sock.send(refusal, socket.MSG_DONTWAIT)
        except OSError:
            with suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RDWR)

    def _joins(self, conn: Any, head: bytes) -> bool:
        conn.data_ready = True
        rank = rank_of(head)
        line = self.probes if rank is Rank.PROBE else self.line
        return line.join(rank, partial(self._serve, conn, rank))

    def _serve(self, conn: Any, rank: Rank) -> None:
        served: Future[Any] = Future()
        try:
            is_kept = self.handle(conn)
            while is_kept is True and self._goes_on(conn, rank):
                is_kept = self.handle(conn)
            served.set_result(is_kept)
        except BaseException as error:  # the main loop raises it too, and the worker ends
            served.set_exception(error)
            raise
        finally:
            self.method_queue.defer(self.finish_request, conn, served)

    def handle_request(self, req: Any, conn: Any) -> Any:
        with conn.sock.joined():
            return super().handle_request(req, conn)

    def _goes_on(self, conn: Any, rank: Rank) -> bool:
        """Whether the next of its kind comes at once and nobody waits for the thread: then it need
        not go by way of the main loop."""
        unreader = conn.parser.unreader
        if unreader.buf.getvalue() or rank is Rank.PROBE or not self.alive:
            return False
        try:
            if self.line.is_awaited() or not conn.sock.has_come(AT_ONCE_S):
                return False
            if self.line.is_awaited():
                return False  # the main loop could no longer refuse what is read here whole
            head = conn.sock.recv(HEAD_BYTES, socket.MSG_DONTWAIT)
        except (OSError, ValueError):  # it has gone
            return False
        # gunicorn reads it from there next, on this thread or by way of the main loop.
        unreader.unread(head)
        return bool(head) and rank_of(head) is rank

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """gunicorn would wait in its main loop for the other side to close, two seconds each."""
        if fs.exception() is None and fs.result() is False:
            self._let_go(conn)
        else:
            super().finish_request(conn, fs)

    def _let_go(self, conn: Any) -> None:
        """Listen until the other side has read: closing over unread bytes would reset it."""
        if conn.sock.fileno() < 0:  # gunicorn has closed it: an answer broke off
            self.nr_conns -= 1
            return
        conn.sock.setblocking(False)
        with suppress(OSError):  # it has gone by itself
            conn.sock.shutdown(socket.SHUT_WR)
        self._leaving.append((time.monotonic() + LINGER_S, conn))
        self.poller.register(conn.sock, 1, partial(self._discard, conn))

    def _discard(self, conn: Any, _sock: Any) -> None:
        with suppress(OSError):
            if conn.sock.recv(65_536):
                return
        self._part(conn)

    def _part(self, conn: Any) -> None:
        if conn.sock.fileno() >= 0:
            self.poller.unregister(conn.sock)
            self.nr_conns -= 1
            conn.close()

    def notify(self) -> None:
        """The main loop calls it each time round; it touches a file, which is not free."""
        now = time.monotonic()
        if now < self._tell_at:
            return
        self._tell_at = now + TOLD_EVERY_S
        super().notify()
        while self._leaving and self._leaving[0][0] < now:
            self._part(self._leaving.popleft()[1])
        if hasattr(self.wsgi, "tell"):
            self.wsgi.tell({rank: self.line.in_flight(rank) for rank in self.line.most})


def _beginning(conn: Any) -> bytes | None:
    """What the request begins with: read ahead with the one before it, or still in the socket.

    Nothing where the other side has closed, None where it has not begun."""
    ahead = bytes(conn.parser.unreader.buf.getvalue()) if conn.initialized else b""
    if b"\r\n" in ahead:
        return ahead
    try:
        return ahead + bytes(conn.sock.recv(HEAD_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        return ahead or None
    except OSError:
        return ahead


def _length(request: bytes) -> int:
    """How long it is by its own word; 0 where that is not known yet, or is not plain: what is not
    taken of a request would be read as the next one."""
    end = request.find(b"\r\n\r\n") + 4
    head = request[:end].lower()
    if end < 4 or b"\r\ntransfer-" in head:
        return 0
    if not (named := head.count(b"\r\ncontent-length")):
        return end if request.startswith(BODILESS) else 0
    found = LENGTH.search(head)
    return end + int(found[1]) if found and named == 1 else 0
