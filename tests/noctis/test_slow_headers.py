"""Clients that are slow before their request is there, on fewer threads than there are of them."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.noctis.serving import THREADS, Web, everything_from, serving

# Of the class that may hold every thread.
HALF_A_HEAD = b"POST /v1/epochs HTTP/1.1\r\nHost: localhost\r\nX-Half"
KEPT = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
ENOUGH = THREADS + 2
# Far below what gunicorn grants: five seconds for a first byte, for ever after it.
SOON_S = 3.0


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with serving(
        tmp_path, "tests.noctis.echo", "-k", "tests.noctis.impatient_worker.Worker"
    ) as running:
        yield running


def seconds_for_an_answer(web: Web) -> float:
    started = time.monotonic()
    assert web.echoed()["REQUEST_METHOD"] == "GET"
    return time.monotonic() - started


def test_headers_that_stop_keep_nobody_else_waiting(web: Web) -> None:
    stopped = [web.begin(HALF_A_HEAD) for _ in range(ENOUGH)]

    waited = seconds_for_an_answer(web)

    assert waited < SOON_S
    assert [everything_from(connection) for connection in stopped] == [(0, b"")] * ENOUGH
    assert "ERROR" not in web.log.read_text()


def test_headers_that_trickle_end_as_well(web: Web) -> None:
    senders = [web.begin(HALF_A_HEAD) for _ in range(ENOUGH)]
    over = threading.Event()
    trickling = threading.Thread(target=trickle, args=(senders, over), daemon=True)
    trickling.start()

    waited = seconds_for_an_answer(web)

    over.set()
    trickling.join()
    assert waited < SOON_S


def trickle(senders: list[socket.socket], over: threading.Event) -> None:
    while not over.wait(0.1):
        for sender in senders:
            with suppress(OSError):  # it was sent away
                sender.sendall(b"x")


def test_connections_that_say_nothing_hold_no_thread(web: Web) -> None:
    silent = [web.begin(b"") for _ in range(ENOUGH)]

    waited = seconds_for_an_answer(web)

    assert waited < 1.0
    silent[0].sendall(KEPT)
    assert silent[0].recv(12) == b"HTTP/1.1 200"


def test_a_kept_connection_is_waited_for_longer_than_its_headers(web: Web) -> None:
    connection = web.begin(KEPT)
    first = next_status(connection)
    time.sleep(2.0)

    connection.sendall(KEPT)

    assert [first, next_status(connection)] == [200, 200]


def next_status(connection: socket.socket) -> int:
    with HTTPResponse(connection) as response:
        response.begin()
        response.read()
        return response.status
