"""The shape of every answer: JSON in and out, and one way in which an exception becomes a problem.

Knows no app; what a refusal means is in `noctis.errors`.
"""

import zlib
from collections.abc import Mapping
from typing import IO, Any

import msgspec
import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from rest_framework import exceptions as drf
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response

from noctis import context, errors, metrics
from noctis.db import failures

MAX_BODY_BYTES = 5 * 1024 * 1024
PROBLEM_TYPE = "application/problem+json"
log = structlog.get_logger(__name__)


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, media_type: str | None = None, context: Mapping[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else msgspec.json.encode(data)


class JSONParser(BaseParser):
    """UTF-8 JSON, plain or gzip, bounded after decompression; `NaN` and `Infinity` are not JSON."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {})["request"]
        raw = read_body(request)
        try:
            return msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise errors.BadRequest("The body is not valid JSON.") from None


def read_json(request: Any) -> bytes:
    """The undecoded JSON body, for views that decode by themselves."""
    media_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type != JSONParser.media_type:
        raise errors.UnsupportedMediaType("Send application/json.")
    return read_body(request)


def read_body(request: Any) -> bytes:
    """The body's bytes after decompression, never more than the limit whatever the headers say."""
    try:
        raw: bytes = request.body
    except RequestDataTooBig:
        raise _too_large() from None
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").lower()
    if encoding == "gzip":
        return _inflate(raw)
    if encoding != "identity":
        raise errors.UnsupportedMediaType("Content-Encoding must be gzip or absent.")
    return raw


def _inflate(raw: bytes) -> bytes:
    engine = zlib.decompressobj(wbits=31)
    try:
        body = engine.decompress(raw, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise errors.BadRequest("The body is not valid gzip.") from None
    if len(body) > MAX_BODY_BYTES:
        raise _too_large()
    if not engine.eof or engine.unused_data:
        raise errors.BadRequest("The gzip body is cut off or has a tail.")
    return body


def _too_large() -> errors.PayloadTooLarge:
    return errors.PayloadTooLarge(f"At most {MAX_BODY_BYTES:,} bytes after decompression.")


def problem_body(refusal: errors.Refusal, path: str) -> dict[str, Any]:
    row = refusal.row
    body: dict[str, Any] = {
        "type": f"/v1/problems/{row.code}",
        "title": row.title,
        "status": row.status,
        "detail": refusal.detail,
        "instance": path,
        "code": row.code,
        "request_id": context.request_id(),
        "retryable": row.is_retryable,
    }
    if refusal.problems:
        body["errors"] = [problem.body for problem in refusal.problems[: errors.MAX_PROBLEMS]]
    return body


def problem_headers(refusal: errors.Refusal) -> dict[str, str]:
    headers = {}
    if isinstance(refusal, errors.Unauthenticated):
        reason = "" if isinstance(refusal, errors.MissingToken) else ', error="invalid_token"'
        headers["WWW-Authenticate"] = f'Bearer realm="noctis"{reason}'
    if refusal.row.is_retryable and refusal.row.status in (409, 429, 503):
        headers["Retry-After"] = str(max(1, refusal.retry_after_s))
    return headers


def problem_response(refusal: errors.Refusal, path: str) -> HttpResponse:
    """For whatever answers outside DRF: unknown paths, middleware, bugs."""
    metrics.ERRORS.labels(code=refusal.row.code).inc()
    return HttpResponse(
        msgspec.json.encode(problem_body(refusal, path)),
        status=refusal.row.status,
        content_type=PROBLEM_TYPE,
        headers=problem_headers(refusal),
    )


def problem_for_exception(exception: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None lets a bug surface as such, in the one handler for bugs."""
    refusal = as_refusal(exception)
    if refusal is None:
        return None
    request = context["request"]
    metrics.ERRORS.labels(code=refusal.row.code).inc()
    response = Response(
        problem_body(refusal, request.path),
        status=refusal.row.status,
        headers=problem_headers(refusal),
        content_type=PROBLEM_TYPE,
    )
    if isinstance(exception, drf.MethodNotAllowed):
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    return response


_TRANSLATED: tuple[tuple[type[Exception], type[errors.Refusal]], ...] = (
    (Http404, errors.Missing),
    (drf.NotFound, errors.Missing),
    (drf.MethodNotAllowed, errors.MethodNotAllowed),
    (drf.NotAcceptable, errors.NotAcceptable),
    (drf.UnsupportedMediaType, errors.UnsupportedMediaType),
    (drf.ParseError, errors.BadRequest),
    (drf.NotAuthenticated, errors.MissingToken),
    (drf.AuthenticationFailed, errors.Unauthenticated),
    (drf.PermissionDenied, errors.Forbidden),
    (PermissionDenied, errors.Forbidden),
    (RequestDataTooBig, errors.PayloadTooLarge),
    (SuspiciousOperation, errors.BadRequest),
    (UnreadablePostError, errors.BodyTimeout),
)
# What a view may say no with; anything else is a bug, or the database's.
REFUSING: tuple[type[Exception], ...] = (errors.Refusal, *(kind for kind, _ in _TRANSLATED))


def as_refusal(exception: Exception) -> errors.Refusal | None:
    """The named refusal that an exception amounts to, or None for a bug."""
    if isinstance(exception, errors.Refusal):
        return exception
    for kind, refusal in _TRANSLATED:
        if isinstance(exception, kind):
            return refusal()
    failed = failures.as_refusal(exception)
    if failed:
        log.error("database_failed", error=type(exception).__name__, exc_info=exception)
    return failed


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return problem_response(errors.Missing(), request.path)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return problem_response(as_refusal(exception) or errors.BadRequest(), request.path)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return problem_response(errors.Forbidden(), request.path)


def server_error(request: HttpRequest) -> HttpResponseBase:
    return problem_response(errors.Internal(), request.path)
