"""A real gunicorn with the platform's configuration, on a socket of its own."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noctis.embedded.processes import group_members, send
from noctis.launch import web
from tests.source_tree import REPOSITORY

PATIENCE_S = 20
THREADS = 2
IS_IT_ALIVE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@dataclass
class Web:
    address: Path
    log: Path
    process: subprocess.Popen[bytes]
    connections: list[socket.socket] = field(default_factory=list)

    def begin(self, sent: bytes) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        self.connections.append(connection)
        connection.settimeout(PATIENCE_S)
        connection.connect(str(self.address))
        connection.sendall(sent)
        return connection

    def ask(self, sent: bytes) -> tuple[int, bytes]:
        return everything_from(self.begin(sent))

    def echoed(self, lines: bytes = b"") -> dict[str, Any]:
        """What the echo is told of a request with these header lines."""
        head = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        return json.loads(self.ask(head + lines + b"\r\n")[1])

    def workers(self) -> list[int]:
        group = group_members(self.process.pid)
        return [member.pid for member in group if member.pid != self.process.pid]


@contextmanager
def serving(folder: Path, application: str, *options: str) -> Iterator[Web]:
    """One worker, and fewer threads than a test has senders."""
    address, log = folder / "web.sock", folder / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*web.gunicorn(application), "-b", f"unix:{address}", *options],
            env=os.environ | {"WEB_CONCURRENCY": "1", "WEB_THREADS": str(THREADS)},
            cwd=REPOSITORY,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    running = Web(address, log, process)
    try:
        until(lambda: _listens(address) and running.workers())
        yield running
    finally:
        for connection in running.connections:
            connection.close()
        process.terminate()
        until(lambda: process.poll() is not None)
        for member in group_members(process.pid):
            send(member.pid, signal.SIGKILL)
        process.wait()


def _listens(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(address)) == 0


def until(is_so: Any) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := is_so()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(found)


def everything_from(connection: socket.socket) -> tuple[int, bytes]:
    """Status and body of the only answer, 0 for none: this ends when the other side closes."""
    with connection, connection.makefile("rb") as stream:
        head, _, body = stream.read().partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, body
