"""What the platform relies on its web server for (ADR 16): another server must hold it as well."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.noctis.serving import Web, everything_from, serving, until

POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(tmp_path_factory.mktemp("web"), "tests.noctis.echo") as running:
        yield running


@pytest.mark.parametrize(
    ("lines", "name", "value"),
    [
        (b"X-Request-Id: good\r\nX_Request_Id: bad\r\n", "HTTP_X_REQUEST_ID", "good"),
        (b"X_Forwarded_For: 192.0.2.1\r\n", "HTTP_X_FORWARDED_FOR", None),
        (b"X-Forwarded-Proto: https\r\n", "wsgi.url_scheme", "http"),
        (b"Script_Name: /elsewhere\r\nPath_Info: /x\r\n", "SCRIPT_NAME", ""),
        (b"If-Match: \xe9\r\n", "HTTP_IF_MATCH", "\xe9"),
        (b"", "HOME", None),
    ],
)
def test_nobody_can_say_what_is_not_theirs_to_say(
    web: Web, lines: bytes, name: str, value: str | None
) -> None:
    assert web.echoed(lines).get(name) == value


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"Host: elsewhere\r\n\r\n",
        b"X-Long: " + b"x" * 10_000 + b"\r\n\r\n",
    ],
    ids=["two lengths", "a length and chunks", "unknown coding", "two hosts", "a long header"],
)
def test_a_request_of_two_meanings_is_refused(web: Web, lines: bytes) -> None:
    status, _ = web.ask(POST + lines)

    assert 400 <= status < 500 or status == 501


def test_an_answer_that_breaks_off_does_not_look_whole(web: Web) -> None:
    _, body = web.ask(b"GET /broken HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert body.startswith(b"4\r\none\n\r\n")
    assert not body.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("asked", "answered"),
    [(b"GET /broken", b"4\r\none\n\r\n"), (b"DELETE /cleared", b"HTTP/1.1 204 No Content")],
)
def test_an_answer_that_breaks_off_ends_nobody_else_s(
    tmp_path: Path, asked: bytes, answered: bytes
) -> None:
    with serving(tmp_path, "tests.noctis.echo") as web:
        before = web.workers()
        ingest = POST.replace(b"POST /", b"POST /v1/epochs:ingest")  # other work leaves it a thread
        under_way = web.begin(ingest + b"Content-Length: 4\r\n\r\nab")
        time.sleep(0.3)
        broken = web.begin(asked + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answered in received(broken)
        broken.close()
        time.sleep(0.5)

        under_way.sendall(b"cd")

        assert everything_from(under_way)[0] == 200
        assert web.workers() == before
        assert "Exception in worker process" not in web.log.read_text()


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side ends it."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_killed_worker_is_replaced(web: Web) -> None:
    (killed,) = web.workers()

    os.kill(killed, signal.SIGKILL)

    assert until(lambda: web.workers() not in ([], [killed]))
    assert web.echoed()["worker"] != killed


def test_a_request_under_way_is_answered_before_the_end(tmp_path: Path) -> None:
    with serving(tmp_path, "tests.noctis.echo") as web:
        half = web.begin(POST + b"Content-Length: 4\r\n\r\nab")
        time.sleep(0.5)
        web.process.terminate()
        time.sleep(0.5)

        half.sendall(b"cd")

        status, body = everything_from(half)
        ended = web.process.wait(10)
    assert (status, ended) == (200, 0)
    assert b'"read": 4' in body


def test_workers_end_with_a_killed_master(tmp_path: Path) -> None:
    with serving(tmp_path, "tests.noctis.echo") as web:
        assert web.echoed()

        web.process.kill()

        assert until(lambda: not web.workers())
