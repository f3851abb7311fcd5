"""What surrounds every request: its id, its count, its log line, headers that protect a browser."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import ClassVar

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from msgspec import UNSET

from noctis import context, errors, http, logs, requests

Handler = Callable[[HttpRequest], HttpResponseBase]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
QUIET_ROUTES = {"healthz", "readyz", "metrics", "static/<path:path>"}
PROBES = {"/healthz", "/readyz", "/metrics"}  # asked by address
MOST_HOSTS = 64  # remembered as ours: any port and any case of one is another


class RequestLog:
    """Give the request its id, log and count it once when it is answered, and echo the id."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Not `headers`, which would lay out all of them.
        offered = request.META.get("HTTP_X_REQUEST_ID") or request.META.get("HTTP_X_CORRELATION_ID")
        request_id = context.begin(offered)
        started = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-Id"] = response["X-Correlation-Id"] = request_id
        if isinstance(response, HttpResponse):  # else it streams, and its length is not known
            add_headers(response, {"Content-Length": str(len(response.content))})
        elapsed_s = time.perf_counter() - started
        self._tell(request, response, elapsed_s * 1000)
        requests.count(request, response.status_code, elapsed_s)
        return response

    def _tell(self, request: HttpRequest, response: HttpResponseBase, elapsed_ms: float) -> None:
        route = request.resolver_match.route if request.resolver_match else "unknown"
        level = "debug" if route in QUIET_ROUTES else "info"
        caller = context.caller()
        line = logs.RequestLine(
            level="error" if response.status_code >= 500 else level,
            request_id=context.request_id(),
            method=str(request.method),
            route=route,
            status=response.status_code,
            ms=round(elapsed_ms, 2),
            at=datetime.now(UTC),
            tenant=caller.tenant if caller else UNSET,
            client=caller.client if caller else UNSET,
        )
        logs.tell(line)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Outside DRF a refusal is answered in the same shape; a bug goes on to the 500 handler."""
        refusal = http.as_refusal(exception)
        return http.problem_response(refusal, request.path) if refusal else None


class KnownHost:
    """Only names that are ours are served; Django asks where a link is built, and the API never.

    `Host` alone says which it is: nobody is believed about `X-Forwarded-Host`."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self._known: set[str] = set()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        asked = request.META.get("HTTP_HOST")
        if asked not in self._known and request.path not in PROBES:
            try:
                request.get_host()
            except DisallowedHost:
                refusal = errors.BadRequest("The `Host` is none of ALLOWED_HOSTS.")
                return http.problem_response(refusal, request.path)
            if asked:
                self._remember(asked)
        return self.get_response(request)

    def _remember(self, host: str) -> None:
        if len(self._known) >= MOST_HOSTS:
            self._known.clear()
        self._known.add(host)


class KnownLength:
    """A chunked body has no length, and Django would read it as an empty one."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            return http.problem_response(errors.LengthRequired(), request.path)
        return self.get_response(request)


class SecurityHeaders:
    """The strict content security policy, everywhere; answers to callers are not stored."""

    everywhere: ClassVar[Mapping[str, str]] = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Frame-Options": "DENY",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }
    unstored: ClassVar[Mapping[str, str]] = {**everywhere, "Cache-Control": "no-store"}

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_static = request.path.startswith("/static/")
        add_headers(response, self.everywhere if is_static else self.unstored)
        return response


def add_headers(response: HttpResponseBase, headers: Mapping[str, str]) -> None:
    """Those that the answer does not have yet; plain ASCII of our own making.

    Django's `setdefault` looks twice at each for what others may have put there; `_store` is its
    private name for them."""
    kept = response.headers._store
    for name, value in headers.items():
        kept.setdefault(name.lower(), (name, value))
