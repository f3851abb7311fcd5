"""The bodies of the routes of recordings: what is taken, what is answered."""

import zoneinfo
from functools import cache
from typing import Any
from uuid import UUID

from rest_framework import serializers

from noctis.filters import Filter
from noctis.serializers import Body, Instant
from recordings.models import Recording as Row
from recordings.models import RecordingQuerySet
from recordings.models.recording import PSEUDONYM
from recordings.services.nights import Instrument, Night
from tenants.bodies import instant

STATUSES = ["open", "closed", "staged"]
AN_INSTANT = {"type": "string", "format": "date-time"}


@cache
def time_zones() -> frozenset[str]:
    """Reading the names takes 50 ms, and they do not change while the process lives."""
    return frozenset(zoneinfo.available_timezones())


def known_time_zone(name: str) -> None:
    if name not in time_zones():
        raise serializers.ValidationError("no IANA time zone", code="unknown_time_zone")


FILTERS = {
    "device_id": Filter(
        serializers.UUIDField(),
        RecordingQuerySet.on_device,
        {"type": "string", "format": "uuid"},
        "Only this device's nights.",
    ),
    "from": Filter(
        Instant(), RecordingQuerySet.started_from, AN_INSTANT, "Started at or after this instant."
    ),
    "to": Filter(
        Instant(), RecordingQuerySet.started_before, AN_INSTANT, "Started before this instant."
    ),
    "status": Filter(
        serializers.ChoiceField(
            STATUSES, error_messages={"invalid_choice": f"one of {', '.join(STATUSES)}"}
        ),
        RecordingQuerySet.in_status,
        {"enum": STATUSES},
        "Only nights in this state.",
    ),
    "updated_since": Filter(
        Instant(),
        RecordingQuerySet.updated_since,
        AN_INSTANT,
        "Opened, closed, staged or fed with epochs at or after this instant.",
    ),
}


class TimeZone(serializers.CharField):
    """A name of the IANA database."""

    def __init__(self, **more: Any) -> None:
        super().__init__(max_length=64, validators=[known_time_zone], **more)


class NewRecording(Body):
    example = {
        "device_id": "7a3f5a1c-2f64-4b0e-9d57-0c8f6f1f2b11",
        "started_at": "2026-03-01T21:30:00+01:00",
        "timezone": "Europe/Berlin",
        "subject": "P-0042",
    }

    device_id = serializers.UUIDField()
    started_at = Instant(help_text="Epoch `i` starts 30 s times `i` later; it never changes.")
    timezone = TimeZone(required=False, help_text="IANA; if absent, the tenant's.")
    subject = serializers.RegexField(
        rf"^{PSEUDONYM}\Z",
        required=False,
        allow_null=True,
        trim_whitespace=False,
        help_text="A pseudonym, never a name or an address.",
        error_messages={"invalid": "a pseudonym: 1 to 64 of letters, digits, dot, _ and -"},
    )


class Start(Body):
    example = {"device_external_id": "NB-0042", "device_name": "bed 12"}

    device_external_id = serializers.CharField(max_length=120)
    device_name = serializers.CharField(
        max_length=120, required=False, help_text="Registers the device if it is not known yet."
    )
    started_at = Instant(required=False, help_text="If absent, now.")
    timezone = TimeZone(required=False, help_text="IANA; if absent, the tenant's.")


class Close(Body):
    example = {"ended_at": "2026-03-02T06:12:00+01:00"}

    ended_at = Instant(required=False, help_text="If absent, where the last epoch ends.")


class Recording(Body):
    example = {
        "id": "c0a1f7de-5b1d-4a53-8f3c-9c2f6d7e8a90",
        "device_id": "7a3f5a1c-2f64-4b0e-9d57-0c8f6f1f2b11",
        "started_at": "2026-03-01T20:30:00Z",
        "ended_at": "2026-03-02T05:12:00Z",
        "timezone": "Europe/Berlin",
        "subject": "P-0042",
        "status": "closed",
        "epoch_count": 1044,
        "created_at": "2026-03-01T20:30:02Z",
    }

    id = serializers.UUIDField()
    device_id = serializers.UUIDField()
    started_at = Instant()
    ended_at = Instant(allow_null=True)
    timezone = serializers.CharField()
    subject = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(STATUSES)
    epoch_count = serializers.IntegerField()
    created_at = Instant()


def night(body: dict[str, Any]) -> Night:
    return Night(body["started_at"], body.get("timezone"), body.get("subject") or "")


def instrument(body: dict[str, Any], bound_to: UUID | None) -> Instrument:
    return Instrument(body["device_external_id"], body.get("device_name"), bound_to)


def recording(row: Row) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "device_id": row.device.uuid,
        "started_at": instant(row.started_at),
        "ended_at": instant(row.ended_at),
        "timezone": row.timezone,
        "subject": row.subject or None,
        "status": row.status,
        "epoch_count": row.epoch_count,
        "created_at": instant(row.created_at),
    }
