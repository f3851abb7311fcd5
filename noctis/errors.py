"""The refusals of the platform: a small tree of exceptions and the registry of their codes.

Bugs are not in here: whatever is not a `Refusal` surfaces as `internal_error`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

MAX_PROBLEMS = 50


@dataclass(frozen=True)
class Code:
    """One row of the contract: what a client may rely on."""

    code: str
    status: int
    title: str
    meaning: str
    remedy: str
    is_retryable: bool = False


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what was sent; names the place, never repeats the value."""

    pointer: str
    code: str
    detail: str
    epoch_index: int | None = None

    @property
    def body(self) -> dict[str, str | int]:
        named = {} if self.epoch_index is None else {"epoch_index": self.epoch_index}
        return {"pointer": self.pointer, "code": self.code, "detail": self.detail, **named}


_CODES: dict[str, Code] = {}
CODES: Mapping[str, Code] = MappingProxyType(_CODES)


def registered(code: str, status: int, title: str, meaning: str, remedy: str, **more: bool) -> Code:
    """Add a row to the contract; a code stands for one thing, so it is registered once."""
    if code in _CODES:
        raise ValueError(f"{code} is registered twice")
    _CODES[code] = Code(code, status, title, meaning, remedy, **more)
    return _CODES[code]


class Refusal(Exception):
    """A request that is answered with a named no."""

    row: ClassVar[Code]

    def __init__(
        self, detail: str = "", *, problems: list[Problem] | None = None, retry_after_s: int = 0
    ) -> None:
        self.problems = problems or []
        self.detail = detail or _counted(len(self.problems)) or self.row.meaning
        self.retry_after_s = retry_after_s
        super().__init__(self.detail)


def _counted(count: int) -> str:
    listed = f", the first {MAX_PROBLEMS} listed" if count > MAX_PROBLEMS else ""
    return f"{count} problem{'s' * (count != 1)}{listed}." if count else ""


class BadRequest(Refusal):
    row = registered(
        "bad_request",
        400,
        "The request could not be read",
        "The body is not JSON, its encoding is unknown, or a cursor or header is malformed.",
        "Send UTF-8 JSON, and take cursors from the `next` of a list as they are.",
    )


class Unauthenticated(Refusal):
    """Answers 401 with a challenge; which part of a token failed is logged, never told."""

    row = registered(
        "invalid_token",
        401,
        "The token is not accepted",
        "The token's key, signature or claims do not hold.",
        "Mint a new token with an active key; `docs/api.md` lists the claims.",
    )


class MissingToken(Unauthenticated):
    row = registered(
        "missing_token",
        401,
        "A token is needed",
        "The request carries no bearer token.",
        "Send `Authorization: Bearer <token>`.",
    )


class ExpiredToken(Unauthenticated):
    row = registered(
        "expired_token",
        401,
        "The token has expired",
        "The token was good until its `exp`, which has passed.",
        "Mint a new token and repeat the request.",
    )


class Forbidden(Refusal):
    row = registered(
        "forbidden",
        403,
        "Not allowed for this role",
        "The caller's role does not include this call.",
        "Use a client whose role allows it; the role table is in `docs/api.md`.",
    )


class TenantSuspended(Forbidden):
    row = registered(
        "tenant_suspended",
        403,
        "The tenant is suspended",
        "The tenant's calls are refused until it is resumed.",
        "Ask the platform's operator to resume the tenant.",
    )


class Missing(Refusal):
    row = registered(
        "not_found",
        404,
        "Not found",
        "There is nothing at this address for this caller.",
        "Check the path and the id; an id of another tenant is not found either.",
    )


class MethodNotAllowed(Refusal):
    row = registered(
        "method_not_allowed",
        405,
        "Method not allowed",
        "This address does not take this method.",
        "The `Allow` header lists the methods.",
    )


class NotAcceptable(Refusal):
    row = registered(
        "not_acceptable",
        406,
        "No such representation",
        "The address does not offer what `Accept` asks for.",
        "Ask for `application/json`, or leave `Accept` out.",
    )


class BodyTimeout(Refusal):
    row = registered(
        "request_body_timeout",
        408,
        "The body did not arrive",
        "The sender stopped before the end of the body, or broke off.",
        "Send the whole body at once, on a new connection.",
        is_retryable=True,
    )


class Conflict(Refusal):
    row = registered(
        "conflict",
        409,
        "The state does not allow it",
        "The request contradicts what is already there.",
        "Read the object again and decide anew.",
    )


class LengthRequired(Refusal):
    """A body of unknown length would be read as an empty one."""

    row = registered(
        "length_required",
        411,
        "The body's length is needed",
        "The body was sent in chunks of unknown number.",
        "Send `Content-Length`; a gzip body has one too.",
    )


class PreconditionFailed(Refusal):
    row = registered(
        "precondition_failed",
        412,
        "Changed in between",
        "The object is no longer as `If-Match` says.",
        "Read it again and repeat the change on the new state.",
    )


class PayloadTooLarge(Refusal):
    row = registered(
        "payload_too_large",
        413,
        "The body is too large",
        "The body is larger than the limit.",
        "Send it in parts; the limit is in the detail.",
    )


class UnsupportedMediaType(Refusal):
    row = registered(
        "unsupported_media_type",
        415,
        "Unknown media type",
        "The body's content type or encoding is not taken here.",
        "Send `Content-Type: application/json`, plain or with `Content-Encoding: gzip`.",
    )


class Invalid(Refusal):
    row = registered(
        "validation_error",
        422,
        "Request failed validation",
        "Fields are missing, unknown or out of range.",
        "Mend what `errors` points at; nothing was written.",
    )


class RateLimited(Refusal):
    row = registered(
        "rate_limited",
        429,
        "Too many requests",
        "The client has used up its allowance for this class of calls.",
        "Wait as long as `Retry-After` says.",
        is_retryable=True,
    )


class Internal(Refusal):
    row = registered(
        "internal_error",
        500,
        "The platform failed",
        "Something broke that should not; it has been logged under the request id.",
        "Repeat later with the same `Idempotency-Key`; report the request id if it stays.",
        is_retryable=True,
    )


class RequestTimeout(Refusal):
    row = registered(
        "request_timeout",
        504,
        "The request took too long",
        "The database could not finish in time; what was begun has been undone.",
        "Repeat with the same `Idempotency-Key`, perhaps in smaller parts.",
        is_retryable=True,
    )


class Unavailable(Refusal):
    row = registered(
        "db_error",
        503,
        "The database did not answer",
        "The database could not be reached or broke off.",
        "Repeat after `Retry-After` with the same `Idempotency-Key`.",
        is_retryable=True,
    )


class Overloaded(Refusal):
    row = registered(
        "overloaded",
        503,
        "Too much at once",
        "As many requests are being served as fit; this one was refused before it was read.",
        "Repeat after `Retry-After` with the same `Idempotency-Key`; nothing was done.",
        is_retryable=True,
    )
