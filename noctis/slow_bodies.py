"""A sender that stops in the middle of its body gives its thread back; must not bound answers.

gunicorn's threads wait for a body for ever. Only a silence is bounded, not a trickle."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socket import socket
from typing import IO, Any

MOST_SILENCE_S = 10.0

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class BoundedBody:
    """The body as Django reads it; a silence that is too long is a `TimeoutError`."""

    def __init__(self, body: IO[bytes], sender: socket, silence_s: float) -> None:
        self._body = body
        self._sender = sender
        self._silence_s = silence_s

    def read(self, size: int = -1) -> bytes:
        with self._impatient():
            return self._body.read(size)

    def readline(self, size: int = -1) -> bytes:
        with self._impatient():
            return self._body.readline(size)

    @contextmanager
    def _impatient(self) -> Iterator[None]:
        self._sender.settimeout(self._silence_s)
        try:
            yield
        finally:
            self._sender.settimeout(None)  # the answer may be long, and its reader slow


def bounded(application: Application, silence_s: float = MOST_SILENCE_S) -> Application:
    """The application, where gunicorn says which socket a body comes from; else as it was."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if sender := environ.get("gunicorn.socket"):
            environ["wsgi.input"] = BoundedBody(environ["wsgi.input"], sender, silence_s)
        return application(environ, start_response)

    return serve
