"""How the platform looks to its worker: how much it bears at once, and what it says beyond that."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import msgspec
import structlog

from noctis import context, errors, http, metrics
from noctis.line import Rank
from noctis.middleware import CONTENT_SECURITY_POLICY

log = structlog.get_logger(__name__)
OFFERED_ID = re.compile(rb"\r\nx-(?:request|correlation)-id:[ \t]*([\w.-]{1,64})[ \t]*\r\n", re.I)


class Application:
    """`most` is how many requests of each class may be in flight; the worker keeps to it."""

    def __init__(self, serve: Callable[..., Iterable[bytes]], most: Mapping[Rank, int]) -> None:
        self.serve = serve
        self.most = most
        self._refused: Counter[Rank] = Counter()  # not told yet

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        return self.serve(environ, start_response)

    def refusal(self, head: bytes, rank: Rank, *, is_kept: bool) -> bytes:
        """The whole answer as it goes over the wire. Who is refused must cost next to nothing: what
        others were told within the second is told again, under another id."""
        self._refused[rank] += 1
        target = (head[:HEAD_LINE].split(b" ", 2)[1:2] or [b"/"])[0].partition(b"?")[0]
        now = int(time.time())
        if offered := OFFERED_ID.search(head):
            answer = _answer(target, context.begin(offered[1].decode()), now, is_kept=is_kept)
        else:
            answer = _known(target, now, is_kept=is_kept).replace(
                ANY_ID, context.begin(None).encode()
            )
        return answer.partition(END)[0] + END if head.startswith(b"HEAD ") else answer

    def tell(self, in_flight: Mapping[Rank, int]) -> None:
        for rank, count in in_flight.items():
            metrics.IN_FLIGHT.labels(route_class=rank).set(count)
        refused, self._refused = self._refused, Counter()
        for rank, count in refused.items():
            _count(rank, count)
            log.warning("overloaded", refused=count, route_class=rank)


def _count(rank: Rank, refused: int) -> None:
    code = errors.Overloaded.row.code
    metrics.ERRORS.labels(code=code).inc(refused)
    metrics.OVERLOADED.labels(route_class=rank).inc(refused)
    if rank is Rank.INGEST:
        metrics.INGEST_REQUESTS.labels(form="unread").inc(refused)
        metrics.INGEST_FAILURES.labels(code=code).inc(refused)


def _answer(target: bytes, request_id: str, at: int, *, is_kept: bool) -> bytes:
    refusal = errors.Overloaded()
    told = http.problem_body(refusal, unquote(target.decode("latin-1")))
    body = msgspec.json.encode(told | {"request_id": request_id})
    headers = {
        "Date": formatdate(at, usegmt=True),
        "Connection": "keep-alive" if is_kept else "close",
        "Content-Type": http.PROBLEM_TYPE,
        "Content-Length": str(len(body)),
        "X-Request-Id": request_id,
        "X-Correlation-Id": request_id,
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cache-Control": "no-store",
        **http.problem_headers(refusal),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 503 Service Unavailable\r\n{lines}\r\n".encode("latin-1") + body


@lru_cache(maxsize=64)
def _known(target: bytes, at: int, *, is_kept: bool) -> bytes:
    return _answer(target, ANY_ID.decode(), at, is_kept=is_kept)


# As long as those that `context` makes, and none that it would.
ANY_ID = b"-" * len(context.begin(None))
HEAD_LINE = 2_048
END = b"\r\n\r\n"
