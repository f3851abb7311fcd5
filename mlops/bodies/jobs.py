"""What every job's body tells: how far it is, how it ended, who asked."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from mlops.models import Job
from noctis.serializers import Body, Instant
from tenants.bodies import instant

TOLD: dict[str, Any] = {
    "id": "7c1f0a52-6d0e-4d0c-9a53-0b5de8a1a0f4",
    "scope": "tenant",
    "status": "done",
    "progress": 1.0,
    "error": None,
    "created_at": "2026-03-02T09:00:00Z",
    "started_at": "2026-03-02T09:00:03Z",
    "finished_at": "2026-03-02T09:01:10Z",
}


class JobBody(Body):
    id = serializers.UUIDField()
    scope = serializers.ChoiceField(
        Job.Scope.values, help_text="`platform`: of everybody's nights, for the platform's people."
    )
    status = serializers.ChoiceField(Job.Status.values)
    progress = serializers.FloatField(help_text="From 0 to 1.")
    error = serializers.CharField(allow_null=True, help_text="Why it failed.")
    created_at = Instant()
    started_at = Instant(allow_null=True)
    finished_at = Instant(allow_null=True)


def job(row: Job) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "scope": row.scope,
        "status": row.status,
        "progress": round(row.progress, 3),
        "error": row.error or None,
        "created_at": instant(row.created_at),
        "started_at": _optional(row.started_at),
        "finished_at": _optional(row.finished_at),
    }


def _optional(at: datetime | None) -> str | None:
    return None if at is None else instant(at)
