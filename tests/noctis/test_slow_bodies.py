"""Senders that stop in the middle of a body, on a real gunicorn with fewer threads than senders."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.source_tree import REPOSITORY

THREADS = 2
PATIENCE_S = 20
HALF_A_BODY = (
    b"POST /v1/auth/token HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
)
IS_IT_ALIVE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Path]:
    """The address of a gunicorn that takes connections."""
    address = tmp_path / "web.sock"
    gunicorn = ("gunicorn", "-c", "deploy/gunicorn.conf.py", "-b", f"unix:{address}")
    with (tmp_path / "web.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *gunicorn, "tests.noctis.impatient"],
            env=os.environ | {"WEB_CONCURRENCY": "1", "WEB_THREADS": str(THREADS)},
            cwd=REPOSITORY,
            stdout=log,
            stderr=log,
        )
        deadline = time.monotonic() + PATIENCE_S
        while not address.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield address
        process.terminate()
        process.wait(PATIENCE_S)


def begin(address: Path, sent: bytes) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE_S)
    connection.connect(str(address))
    connection.sendall(sent)
    return connection


def everything_from(connection: socket.socket) -> tuple[int, bytes]:
    """Status and body of the only answer: this ends when the other side closes."""
    with connection, connection.makefile("rb") as stream:
        head, _, body = stream.read().partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def test_senders_that_stop_keep_nobody_else_waiting(web: Path) -> None:
    stopped = [begin(web, HALF_A_BODY) for _ in range(THREADS + 1)]

    status, _ = everything_from(begin(web, IS_IT_ALIVE))

    refused = [everything_from(connection) for connection in stopped]
    assert status == 200
    assert [status for status, _ in refused] == [408] * len(stopped)
    assert {json.loads(body)["code"] for _, body in refused} == {"request_body_timeout"}
