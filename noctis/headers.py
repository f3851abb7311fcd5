"""The headers of every operation, sent and answered, as the OpenAPI document shows them."""

from collections.abc import Collection
from typing import Any

from noctis import context, errors, idempotency

Json = dict[str, Any]
UNTHROTTLED = {401, 403, 406, 500, 503, 504}


def _header(description: str, kind: str = "string") -> Json:
    return {"description": description, "schema": {"type": kind}}


ANSWERED = {
    "X-Request-Id": _header(
        "The id of this request, in every log line; the caller's if it sent one."
    ),
    "X-Correlation-Id": _header("The same id once more."),
    "RateLimit-Limit": _header("Calls of this class that may be made at once.", "integer"),
    "RateLimit-Remaining": _header("Calls that are left now.", "integer"),
    "RateLimit-Reset": _header("Seconds until the allowance is whole again.", "integer"),
    "Retry-After": _header("Seconds to wait before the request is repeated.", "integer"),
    "WWW-Authenticate": _header("`Bearer`, as in RFC 6750."),
    "Location": _header("The path of what was created, or of the job that was begun."),
}
RATE_LIMITS = [name for name in ANSWERED if name.startswith("RateLimit-")]
SENT = {
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "An id of yours for this request; one that does not match is replaced.",
        "schema": {"type": "string", "pattern": f"^{context.REQUEST_ID.pattern}$"},
    },
    "IdempotencyKey": {
        "name": idempotency.HEADER,
        "in": "header",
        "description": "Yours for this request: sent again within 24 hours it changes nothing more "
        "and gets the first answer, with `Idempotency-Replayed: true`. Signing in takes none.",
        "schema": {"type": "string", "pattern": f"^{idempotency.KEY.pattern}$"},
    },
}


def sent(codes: Collection[str]) -> list[Json]:
    """What an operation that can answer these codes takes."""
    names = ["RequestId", *(["IdempotencyKey"] if _takes_key(codes) else [])]
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def of(status: int, codes: Collection[str]) -> Json:
    """What an answer with this status carries, on an operation that can answer these codes."""
    names = ["X-Request-Id", "X-Correlation-Id"]
    is_limited = errors.RateLimited.row.code in codes
    if is_limited and status not in UNTHROTTLED:
        names += RATE_LIMITS
    if (is_limited and status in (429, 503)) or (_takes_key(codes) and status == 409):
        names.append("Retry-After")
    names += {201: ["Location"], 202: ["Location"], 401: ["WWW-Authenticate"]}.get(status, [])
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _takes_key(codes: Collection[str]) -> bool:
    return idempotency.KeyReused.row.code in codes
