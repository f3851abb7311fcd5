"""The bodies of the routes of erasure."""

from typing import Any

from rest_framework import serializers

from noctis.serializers import Body, Instant
from recordings.models import Erasure as Row
from tenants.bodies import instant


class Erasure(Body):
    example = {
        "id": "1f0f3c55-9a63-4a7a-8a0e-5a7b1c9d2e43",
        "status": "done",
        "recording_id": None,
        "recordings_erased": 31,
        "epochs_erased": 29_760,
        "created_at": "2026-03-02T09:00:00Z",
        "done_at": "2026-03-02T09:00:04Z",
    }

    id = serializers.UUIDField()
    status = serializers.ChoiceField(["due", "done"])
    recording_id = serializers.UUIDField(
        allow_null=True, help_text="`null`: all nights of a subject, who is not named any more."
    )
    recordings_erased = serializers.IntegerField()
    epochs_erased = serializers.IntegerField()
    created_at = Instant()
    done_at = Instant(allow_null=True)


def erasure(row: Row) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "status": row.status,
        "recording_id": row.recording_uuid,
        "recordings_erased": row.recordings_erased,
        "epochs_erased": row.epochs_erased,
        "created_at": instant(row.created_at),
        "done_at": instant(row.done_at),
    }
