"""What whoever is refused for want of room reads."""

import json
import re

import pytest

from noctis.line import Rank
from noctis.overload import Application

HEAD = b"POST /v1/epochs:ingest?x=1 HTTP/1.1\r\nHost: localhost\r\n%s\r\n"


def refused(lines: bytes = b"", method: bytes = b"POST") -> tuple[dict[str, str], bytes]:
    platform = Application(lambda _environ, _start: [], {Rank.INGEST: 1})
    head = (HEAD % lines).replace(b"POST", method)
    told, _, body = platform.refusal(head, Rank.INGEST, is_kept=True).partition(b"\r\n\r\n")
    status, *headers = told.decode().split("\r\n")
    assert status == "HTTP/1.1 503 Service Unavailable"
    return dict(line.split(": ", 1) for line in headers), body


@pytest.mark.parametrize("offered", ["", "night-7"])
def test_the_answer_is_whole_and_bears_the_requests_id(offered: str) -> None:
    headers, body = refused(f"X-Request-Id: {offered}\r\n".encode() if offered else b"")

    problem = json.loads(body)
    assert (problem["code"], problem["instance"]) == ("overloaded", "/v1/epochs:ingest")
    assert len(body) == int(headers["Content-Length"])
    assert problem["request_id"] == headers["X-Request-Id"] == headers["X-Correlation-Id"]
    assert re.fullmatch(offered or "[0-9a-f]{32}", problem["request_id"])
    assert int(headers["Retry-After"]) >= 1


def test_each_refused_request_has_an_id_of_its_own() -> None:
    assert len({refused()[0]["X-Request-Id"] for _ in range(5)}) == 5


def test_whoever_asks_for_the_head_gets_no_body() -> None:
    assert refused(method=b"HEAD")[1] == b""
