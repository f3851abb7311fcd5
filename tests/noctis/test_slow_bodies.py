"""Senders that stop in the middle of a body, on a real gunicorn with fewer threads than senders."""

import json
from pathlib import Path

from tests.noctis.serving import IS_IT_ALIVE, THREADS, everything_from, serving

HALF_A_BODY = (
    b"POST /v1/auth/token HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
)


def test_senders_that_stop_keep_nobody_else_waiting(tmp_path: Path) -> None:
    with serving(tmp_path, "tests.noctis.impatient") as web:
        stopped = [web.begin(HALF_A_BODY) for _ in range(THREADS + 1)]

        status, _ = web.ask(IS_IT_ALIVE)

        refused = [everything_from(connection) for connection in stopped]
    assert status == 200
    assert [status for status, _ in refused] == [408] * len(stopped)
    assert {json.loads(body)["code"] for _, body in refused} == {"request_body_timeout"}
