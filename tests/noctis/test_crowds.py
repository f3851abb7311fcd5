"""A real worker with more clients than it bears: who is served, who is refused, and how fast."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from gunicorn.http.unreader import SocketUnreader

from noctis.crowds import _beginning
from noctis.line import Line, Rank, rank_of
from noctis.sockets import Patient
from tests.noctis.busy import MOST, SLEEP_S
from tests.noctis.serving import THREADS, Web, serving

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
READ = b"GET /v1/recordings HTTP/1.1\r\nHost: localhost\r\n\r\n"
BODY = b'{"epochs": []}'
INGEST = b"POST /v1/epochs:ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)
AT_ONCE_S = 0.1  # the machine may be busy; on an idle one it is a millisecond


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with serving(tmp_path, "tests.noctis.busy") as running:
        yield running


def status_of(connection: socket.socket) -> int:
    with HTTPResponse(connection) as response:
        response.begin()
        response.read()
        return response.status


def crowd(web: Web, sent: bytes, count: int) -> list[socket.socket]:
    """So many clients that have sent this, after the worker has looked at each."""
    begun = [web.begin(sent) for _ in range(count)]
    time.sleep(0.1)
    return begun


def test_what_does_not_fit_is_refused_at_once_and_the_rest_is_served(web: Web) -> None:
    clients = crowd(web, INGEST, MOST[Rank.INGEST])

    started = time.monotonic()
    beyond = [status_of(web.begin(INGEST)) for _ in range(6)]
    took_s = time.monotonic() - started

    assert beyond == [503] * 6
    assert took_s < 6 * AT_ONCE_S < MOST[Rank.INGEST] / THREADS * SLEEP_S
    assert [status_of(client) for client in clients] == [200] * MOST[Rank.INGEST]


def test_a_class_that_is_full_leaves_the_others_their_share(web: Web) -> None:
    readers = crowd(web, READ, MOST[Rank.OTHER] + 2)
    devices = crowd(web, INGEST, MOST[Rank.INGEST])

    assert Counter(map(status_of, readers)) == {200: MOST[Rank.OTHER], 503: 2}
    assert {status_of(device) for device in devices} == {200}


def test_readers_never_hold_the_last_thread(web: Web) -> None:
    crowd(web, READ, MOST[Rank.OTHER])

    started = time.monotonic()
    status = status_of(web.begin(INGEST))

    assert status == 200
    assert time.monotonic() - started < 1.5 * SLEEP_S


def test_a_probe_is_answered_while_everything_else_waits(web: Web) -> None:
    crowd(web, INGEST, 20)
    crowd(web, READ, 20)

    started = time.monotonic()
    answers = {status_of(web.begin(HEALTH)) for _ in range(5)}

    assert answers == {200}
    assert time.monotonic() - started < 5 * AT_ONCE_S


def test_a_refused_connection_is_kept_and_served_later(web: Web) -> None:
    crowd(web, INGEST, MOST[Rank.INGEST])
    client = web.begin(INGEST)
    first = status_of(client)
    time.sleep(SLEEP_S * MOST[Rank.INGEST] / THREADS)

    client.sendall(INGEST)

    assert [first, status_of(client)] == [503, 200]


def test_whoever_is_refused_and_hangs_up_costs_nothing_more(web: Web) -> None:
    crowd(web, READ, MOST[Rank.OTHER])
    client = web.begin(READ)
    assert status_of(client) == 503
    (worker,) = map(psutil.Process, web.workers())

    client.close()

    before = sum(worker.cpu_times()[:2])
    time.sleep(SLEEP_S / 2)
    assert sum(worker.cpu_times()[:2]) - before < SLEEP_S / 4


def test_whoever_is_still_sending_reads_the_refusal_too(web: Web) -> None:
    crowd(web, INGEST, MOST[Rank.INGEST])
    client = web.begin(INGEST.replace(b": 14\r", b": 1400000\r"))
    time.sleep(0.1)

    client.sendall(b"x" * 1_000_000)

    assert status_of(client) == 503
    assert client.recv(1) == b""


@pytest.mark.parametrize(
    "sent",
    [
        READ.replace(b"\r\n\r\n", b"\r\ntransfer-encoding: chunked\r\n\r\n"),
        READ.replace(b"\r\n\r\n", b"\r\nContent-Length : 9\r\n\r\n"),
        INGEST.replace(b"\r\nContent", b"\r\nContent-Length: 0\r\nContent", 1),
        INGEST.replace(b"Content-Length: 14\r\n", b""),
        INGEST[:-1],
    ],
    ids=["chunks", "no length that we read", "two lengths", "no length", "not all here"],
)
def test_whoever_is_refused_with_an_unclear_end_is_hung_up_on(web: Web, sent: bytes) -> None:
    crowd(web, INGEST, MOST[Rank.INGEST])
    crowd(web, READ, MOST[Rank.OTHER])
    client = web.begin(sent)

    assert status_of(client) == 503
    assert client.recv(1) == b""


def test_a_client_that_does_not_hang_up_keeps_nobody_waiting(web: Web) -> None:
    asked = HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    stays = web.begin(asked)
    assert status_of(stays) == 200

    started = time.monotonic()
    status = status_of(web.begin(HEALTH))

    assert status == 200
    assert time.monotonic() - started < 1.0


@pytest.mark.parametrize("read", [b"", b"PO", b"POST /v1/epochs:ingest HTTP/1.1\r\n"])
def test_a_line_that_was_read_in_part_is_ranked_by_all_of_it(read: bytes) -> None:
    here, there = socket.socketpair()
    unreader = SocketUnreader(here)
    unreader.unread(read)
    conn = SimpleNamespace(
        initialized=True, parser=SimpleNamespace(unreader=unreader), sock=Patient.of(here)
    )
    there.sendall(INGEST.removeprefix(read))

    with conn.sock, there:
        assert rank_of(_beginning(conn) or b"") is Rank.INGEST


def test_whoever_goes_on_at_once_makes_way_for_whoever_waits(web: Web) -> None:
    senders = [web.begin(READ) for _ in range(THREADS - 1)] + [web.begin(INGEST)]
    waits = web.begin(INGEST)

    def go_on(sender: socket.socket, sent: bytes) -> None:
        for _ in range(6):
            status_of(sender)
            sender.sendall(sent)

    threads = [
        threading.Thread(target=go_on, args=(sender, sent), daemon=True)
        for sender, sent in zip(senders, [READ] * (THREADS - 1) + [INGEST], strict=True)
    ]
    started = time.monotonic()
    for thread in threads:
        thread.start()

    status, took_s = status_of(waits), time.monotonic() - started
    for thread in threads:
        thread.join()

    assert status == 200
    assert took_s < 4 * SLEEP_S


def test_one_connection_may_ask_for_one_thing_after_another(web: Web) -> None:
    client = web.begin(HEALTH)
    statuses = [status_of(client)]

    for sent in (INGEST, INGEST, READ, HEALTH, HEALTH, INGEST):
        client.sendall(sent)
        statuses.append(status_of(client))
    client.sendall(INGEST + INGEST)

    assert {*statuses, status_of(client)} == {200}


@pytest.mark.parametrize(
    ("head", "rank"),
    [
        (b"GET /healthz HTTP/1.1\r\n", Rank.PROBE),
        (b"HEAD /readyz?for=ingest HTTP/1.1\r\n", Rank.PROBE),
        (b"GET /metrics HTTP/1.1\r\n", Rank.PROBE),
        (b"POST /v1/epochs:ingest HTTP/1.1\r\n", Rank.INGEST),
        (b"POST /v1/epochs:ingest-device HTTP/1.1\r\n", Rank.INGEST),
        (b"POST /v1/recordings/3/close HTTP/1.1\r\n", Rank.INGEST),
        (b"GET /v1/recordings/3/epochs HTTP/1.1\r\n", Rank.OTHER),
        (b"POST /v1/predict HTTP/1.1\r\n", Rank.OTHER),
        (b"POST /v", Rank.OTHER),
        (b"\x16\x03\x01", Rank.OTHER),
    ],
)
def test_the_first_line_says_what_a_request_is_for(head: bytes, rank: Rank) -> None:
    assert rank_of(head) is rank


def test_while_both_classes_wait_each_has_a_thread() -> None:
    line = Line(3, {Rank.INGEST: 50, Rank.OTHER: 50})
    held, both = threading.Event(), threading.Barrier(4)
    served: list[Rank] = []

    def job(rank: Rank) -> None:
        served.append(rank)
        if len(served) <= 3:
            both.wait(5)
            held.wait(5)

    for rank in (Rank.INGEST, Rank.OTHER):
        for _ in range(20):
            line.join(rank, lambda rank=rank: job(rank))
    threads = [threading.Thread(target=line.work, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    both.wait(5)
    first = Counter(served)
    held.set()
    line.close()

    assert first == {Rank.INGEST: 2, Rank.OTHER: 1}
