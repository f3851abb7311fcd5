"""Entity tags (RFC 9110): a row's version as a header, and what a caller's conditions say of it."""

from datetime import UTC, datetime, timedelta

from django.utils.http import parse_etags, quote_etag
from drf_spectacular.utils import OpenApiParameter

from noctis import errors

UNIX = datetime(1970, 1, 1, tzinfo=UTC)
SHOWN = OpenApiParameter(
    "ETag", str, "header", response=[200, 201], description="The version of what is shown."
)
IF_MATCH = OpenApiParameter(
    "If-Match", str, "header", description="The `ETag` that the change is based on."
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, "header", description="The `ETag` that you have already."
)


def tag_of(version: datetime) -> str:
    """A strong tag for the version that a row had at its last change."""
    return quote_etag(f"{(version - UNIX) // timedelta(microseconds=1):x}")


def is_known(tag: str, if_none_match: str) -> bool:
    """Does the caller have this version already? Compared weakly, as reads are."""
    known = [given.removeprefix("W/") for given in parse_etags(if_none_match)]
    return tag in known or "*" in known


def demand(tag: str, if_match: str | None) -> None:
    """Refuse a change that was decided upon another version; compared strongly."""
    if if_match is not None and not {tag, "*"} & set(parse_etags(if_match)):
        raise errors.PreconditionFailed
