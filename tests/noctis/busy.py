"""An application that bears little and takes its time, as the worker knows it; `/slow` sleeps."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from noctis.line import Rank

SLEEP_S = 0.4
MOST = {Rank.INGEST: 4, Rank.OTHER: 3}


class Busy:
    most = MOST

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        environ["wsgi.input"].read()
        if not environ["PATH_INFO"].startswith("/healthz"):
            time.sleep(SLEEP_S)
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    def refusal(self, head: bytes, rank: Rank, *, is_kept: bool) -> bytes:
        kept = b"keep-alive" if is_kept else b"close"
        body = rank.encode()
        return (
            b"HTTP/1.1 503 Service Unavailable\r\nConnection: %s\r\nContent-Length: %d\r\n\r\n%s"
            % (kept, len(body), body)
        )

    def tell(self, in_flight: Mapping[Rank, int]) -> None:
        """Nobody asks here."""


application = Busy()
