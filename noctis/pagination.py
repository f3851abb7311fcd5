"""Lists by keyset: a cursor names the last row seen, so every page costs the same."""

import base64
import binascii
from datetime import datetime
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from noctis import errors
from noctis.serializers import has_known_offset

DEFAULT_LIMIT = 100
MAX_LIMIT = 500


class Keyset(BasePagination):
    """Newest first by the view's `keyset` column and the primary key; an index must carry both."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        self.column: str = getattr(view, "keyset", "created_at")
        limit = _limit(request.query_params.get("limit"), getattr(view, "max_limit", MAX_LIMIT))
        if cursor := request.query_params.get("cursor"):
            queryset = queryset.filter(self._before(queryset, cursor))
        rows = list(queryset.order_by(f"-{self.column}", "-pk")[: limit + 1])
        self.last = rows[limit - 1] if len(rows) > limit else None
        return rows[:limit]

    def _before(self, queryset: QuerySet[Any], cursor: str) -> Q:
        value, pk = _unpacked(cursor)
        meta = queryset.model._meta
        try:
            bound = meta.get_field(self.column).to_python(value)
            key = meta.pk.to_python(pk)
        except (ValidationError, TypeError, OverflowError):
            raise errors.BadRequest(_BAD_CURSOR) from None
        if isinstance(bound, datetime) and not has_known_offset(bound):
            raise errors.BadRequest(_BAD_CURSOR)
        return Q(**{f"{self.column}__lt": bound}) | Q(**{self.column: bound, "pk__lt": key})

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"items": data, "next": self._next()})

    def _next(self) -> str | None:
        if self.last is None:
            return None
        cursor = _packed(getattr(self.last, self.column), self.last.pk)
        return str(replace_query_param(self.request.build_absolute_uri(), "cursor", cursor))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["items", "next"],
            "properties": {
                "items": schema,
                "next": {"type": ["string", "null"], "format": "uri"},
            },
        }


def _limit(text: str | None, most: int) -> int:
    if text is None:
        return min(DEFAULT_LIMIT, most)
    if text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= most:
        return int(text)
    raise errors.Invalid(
        problems=[errors.Problem("?limit", "out_of_range", f"a number from 1 to {most}")]
    )


def _packed(value: Any, pk: Any) -> str:
    text = value.isoformat() if hasattr(value, "isoformat") else value
    return base64.urlsafe_b64encode(msgspec.json.encode([text, pk])).decode().rstrip("=")


def _unpacked(cursor: str) -> tuple[str | int, str | int]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=tuple[str | int, str | int])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise errors.BadRequest(_BAD_CURSOR) from None


_BAD_CURSOR = "The cursor is not one that a list gave."
