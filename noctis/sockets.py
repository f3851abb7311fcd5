"""A connection that calls the kernel when it must, and not before; knows no request.

Each call lets another thread have the interpreter, and takes two switches to come back."""

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

DONT_WAIT = socket.MSG_DONTWAIT
# More than that is not copied to be sent with what stands before it.
MOST_JOINED = 65_536
BEFORE_AN_ANSWER = (b"HTTP/1.1 1", b"HTTP/1.0 1")


class Patient(socket.socket):
    """What it is told of timeouts is kept until it matters, and an answer's head until its body.

    They are set seven times in a request, mostly to what they are."""

    _wanted: float | None = None
    _holds = False
    _held = b""

    @classmethod
    def of(cls, plain: socket.socket) -> "Patient":
        """The same connection; the other has it no longer."""
        made = cls(plain.family, plain.type, plain.proto, fileno=plain.detach())
        socket.socket.setblocking(made, True)
        return made

    def gettimeout(self) -> float | None:
        return self._wanted

    def settimeout(self, value: float | None) -> None:
        self._wanted = value

    def setblocking(self, flag: bool) -> None:
        self._wanted = None if flag else 0.0

    def has_come(self, within_s: float) -> bool:
        """Whether there is anything to read by then, its end included."""
        poll = select.poll()
        poll.register(self, select.POLLIN)
        return bool(poll.poll(within_s * 1000))

    @contextmanager
    def joined(self) -> Iterator[None]:
        """The first of what is sent waits for the second, or for the end; not what comes before an
        answer, such as 103."""
        self._holds = True
        try:
            yield
        finally:
            self._holds = False
            self._send_held()

    def recv(self, size: int, flags: int = 0) -> bytes:
        self._take_effect(flags)
        return super().recv(size, flags)

    def recv_into(self, buffer: Any, size: int = 0, flags: int = 0) -> int:
        self._take_effect(flags)
        return super().recv_into(buffer, size, flags)

    def send(self, data: Any, flags: int = 0) -> int:
        self._take_effect(flags)
        return super().send(data, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        if self._holds and not data.startswith(BEFORE_AN_ANSWER):
            self._holds, self._held = False, bytes(data)
            return
        if self._held and len(data) <= MOST_JOINED:
            data, self._held = self._held + data, b""
        self._send_held()
        self._take_effect(flags)
        super().sendall(data, flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        self._send_held()
        return super().sendfile(file, offset, count)

    def shutdown(self, how: int) -> None:
        """Whoever ends what is sent has sent what was held."""
        if how == socket.SHUT_WR:
            self._send_held()
        super().shutdown(how)

    def _send_held(self) -> None:
        held, self._held = self._held, b""
        if held:
            self.sendall(held)

    def _take_effect(self, flags: int) -> None:
        wanted, actual = self._wanted, super().gettimeout()
        if flags & DONT_WAIT:
            if actual:  # a timeout would have Python wait all the same
                super().settimeout(None)
        elif wanted != actual:
            super().settimeout(wanted)
