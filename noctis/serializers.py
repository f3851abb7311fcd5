"""The base of request bodies: unknown fields are refused, and every problem is named at once."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django.utils.dateparse import parse_datetime
from rest_framework import serializers

from noctis import errors

# RFC 3339 has longer ones, but PostgreSQL reads none; the ends of time can only stay as they are.
LONGEST_OFFSET = timedelta(hours=16)


class Body(serializers.Serializer[Any]):
    """A request body. `read` answers its values or raises everything that is wrong with them."""

    def to_internal_value(self, data: Any) -> Any:
        given = data if isinstance(data, Mapping) else {}
        faults: dict[str, Any] = {
            name: serializers.ErrorDetail("unknown field", "unknown_field")
            for name in given
            if name not in self.fields
        }
        values: Any = None
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            faults |= cast("dict[str, Any]", error.detail)
        if faults:
            raise serializers.ValidationError(faults)
        return values

    @classmethod
    def read(cls, data: Any) -> dict[str, Any]:
        body = cls(data={} if data is None else data)
        if not body.is_valid():
            raise errors.Invalid(problems=list(_problems("", body.errors)))
        return dict(body.validated_data)


def has_known_offset(instant: datetime) -> bool:
    """Whether it has one, and one that PostgreSQL reads."""
    offset = instant.utcoffset()
    return offset is not None and abs(offset) < LONGEST_OFFSET


class Instant(serializers.Field[datetime, Any, str, Any]):
    """RFC 3339 with an offset; a naive time is nobody's time."""

    def to_internal_value(self, data: Any) -> datetime:
        try:
            instant = parse_datetime(data) if isinstance(data, str) else None
            if instant is not None and instant.tzinfo is not None:
                return instant if has_known_offset(instant) else instant.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise serializers.ValidationError(
            "expected an RFC 3339 instant with an offset", code="bad_instant"
        )

    def to_representation(self, value: datetime) -> str:
        return value.isoformat().replace("+00:00", "Z")


def _problems(pointer: str, faults: Any) -> Iterator[errors.Problem]:
    if isinstance(faults, Mapping):
        for name, nested in faults.items():
            step = "" if name == "non_field_errors" else f"/{name}"
            yield from _problems(f"{pointer}{step}", nested)
    elif isinstance(faults, list):
        for position, fault in enumerate(faults):
            nested_at = f"{pointer}/{position}" if isinstance(fault, Mapping) else pointer
            yield from _problems(nested_at, fault)
    else:
        yield errors.Problem(pointer or "/", getattr(faults, "code", "invalid"), str(faults))
