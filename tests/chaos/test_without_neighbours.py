"""Ingest needs neither a model nor Valkey: shown without the one, and with the other killed."""

import http.client
import json
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from noctis import limits
from noctis.embedded.processes import send
from tests.chaos.night import Piece
from tests.chaos.stack import Stack, running_stack

PERSON = {"username": "ada", "password": "x", "tenant": "noctis"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """With limits in force, which are counted in Valkey; nobody has imported a model."""
    with running_stack(1, RATE_LIMITS="ingest=100000/minute,sign_in=1000/minute") as found:
        yield found


def asked(stack: Stack, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {stack.token}"}
    if path.startswith("/v1/auth/"):
        del headers["Authorization"]
    try:
        raw = None if body is None else json.dumps(body).encode()
        connection.request(method, path, raw, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def taken(stack: Stack, first: int, batches: int) -> list[int]:
    """The answers to so many batches of ten epochs."""
    night = stack.nights[0]
    firsts = range(first, first + 10 * batches, 10)
    pieces = [Piece(night, at, night.features[at : at + 10]) for at in firsts]
    return [asked(stack, "POST", "/v1/epochs:ingest", piece.body("column"))[0] for piece in pieces]


def stored(stack: Stack) -> int:
    return stack.sql("SELECT count(*) FROM recordings_epoch")[0][0]


def ready(stack: Stack, query: str = "") -> tuple[int, list[str]]:
    status, told = asked(stack, "GET", f"/readyz{query}")
    return status, told["missing"]


def signed_in(stack: Stack) -> tuple[int, str]:
    status, told = asked(stack, "POST", "/v1/auth/token", PERSON)
    return status, told["code"]


@pytest.mark.stack
def test_without_a_model_batches_are_taken(stack: Stack) -> None:
    before = stored(stack)

    answers = taken(stack, 0, 20)

    assert answers == [200] * 20
    assert stored(stack) == before + 200
    assert ready(stack) == (503, ["model"])
    assert ready(stack, "?for=ingest") == (200, [])


@pytest.mark.stack
def test_with_valkey_killed_batches_are_taken_nobody_signs_in_and_it_heals(stack: Stack) -> None:
    refused = signed_in(stack)
    before = stored(stack)
    valkey = stack.instance.valkey.process()
    assert valkey
    send(valkey.pid, signal.SIGKILL)

    answers = taken(stack, 1_000, 60)
    time.sleep(limits.LEASE_S)  # what a worker had been granted before it may still use up
    without = signed_in(stack)
    is_ready = ready(stack, "?for=ingest")
    stack.instance.valkey.start()
    began = time.monotonic()
    while (healed := signed_in(stack)) != refused and time.monotonic() < began + 15:
        time.sleep(0.1)

    assert refused == (401, "sign_in_refused")
    assert answers == [200] * 60
    assert stored(stack) == before + 600
    assert without == (503, "limits_unavailable")
    assert is_ready == (200, [])
    assert healed == refused
