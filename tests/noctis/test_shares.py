"""Two real workers and a few senders that stay: each worker gets its share of them."""

import json
import socket
import statistics
from collections import Counter
from http.client import HTTPResponse
from pathlib import Path

from tests.noctis.serving import Web, serving, until

SENDERS = 20
WORKERS = 2
ASKED = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def worker_of(connection: socket.socket) -> int:
    with HTTPResponse(connection) as response:
        response.begin()
        return int(json.loads(response.read())["worker"])


def shares(web: Web, senders: int) -> list[int]:
    """How many of so many kept connections each worker serves."""
    begun = [web.begin(ASKED) for _ in range(senders)]
    held = Counter(worker_of(connection) for connection in begun)
    for connection in begun:
        connection.close()
    return sorted(held.values())


def test_each_worker_holds_its_share_of_the_connections(tmp_path: Path) -> None:
    with serving(tmp_path, "tests.noctis.echo", "--workers", str(WORKERS)) as web:
        until(lambda: len(shares(web, SENDERS)) == WORKERS)  # all have begun
        largest = [max(shares(web, SENDERS)) for _ in range(5)]

    # An even share is 10; a busy machine may keep the other from coming in time.
    assert statistics.median(largest) <= 15


def test_a_worker_alone_takes_them_all(tmp_path: Path) -> None:
    with serving(tmp_path, "tests.noctis.echo") as web:
        assert shares(web, SENDERS) == [SENDERS]
