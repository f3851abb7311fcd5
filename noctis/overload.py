"""How the platform looks to its worker: how much it bears at once, and what it says beyond that."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

import msgspec
import structlog

from noctis import context, errors, http, metrics
from noctis.line import Rank
from noctis.middleware import CONTENT_SECURITY_POLICY

log = structlog.get_logger(__name__)
OFFERED_ID = re.compile(rb"\r\nx-(?:request|correlation)-id:[ \t]*([\w.-]{1,64})[ \t]*\r\n", re.I)
LOGGED_EVERY_S = 1.0


class Application:
    """`most` is how many requests of each class may be in flight; the worker keeps to it."""

    def __init__(self, serve: Callable[..., Iterable[bytes]], most: Mapping[Rank, int]) -> None:
        self.serve = serve
        self.most = most
        self._refused = 0
        self._log_at = 0.0

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        return self.serve(environ, start_response)

    def refusal(self, head: bytes, rank: Rank, *, is_kept: bool) -> bytes:
        """The whole answer as it goes over the wire, counted; one line a second is logged."""
        refusal = errors.Overloaded()
        metrics.ERRORS.labels(code=refusal.row.code).inc()
        metrics.OVERLOADED.labels(route_class=rank).inc()
        if rank is Rank.INGEST:
            metrics.INGEST_REQUESTS.labels(form="unread").inc()
            metrics.INGEST_FAILURES.labels(code=refusal.row.code).inc()
        self._log(rank)
        offered = OFFERED_ID.search(head)
        request_id = context.begin(offered[1].decode() if offered else None)
        target = head[:HEAD_LINE].split(b" ", 2)[1:2]
        path = unquote((target or [b"/"])[0].partition(b"?")[0].decode("latin-1"))
        body = msgspec.json.encode(http.problem_body(refusal, path))
        headers = {
            "Date": formatdate(usegmt=True),
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
        sent = f"HTTP/1.1 503 Service Unavailable\r\n{lines}\r\n".encode("latin-1")
        return sent if head.startswith(b"HEAD ") else sent + body

    def tell(self, in_flight: Mapping[Rank, int]) -> None:
        for rank, count in in_flight.items():
            metrics.IN_FLIGHT.labels(route_class=rank).set(count)

    def _log(self, rank: Rank) -> None:
        self._refused += 1
        now = time.monotonic()
        if now >= self._log_at:
            log.warning("overloaded", refused=self._refused, route_class=rank)
            self._refused, self._log_at = 0, now + LOGGED_EVERY_S


HEAD_LINE = 2_048
