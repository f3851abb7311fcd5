"""The bodies of faults on purpose: what is on, and what somebody wants on or off."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers

from noctis import errors
from noctis.faults import ROUTE_CLASSES, Kind
from noctis.serializers import Body, Instant
from operations.models import Fault
from operations.services.faults import Wanted
from tenants.models import Tenant

FAULT: dict[str, Any] = {
    "kind": "db_latency_ms",
    "value_ms": 200,
    "tenant": None,
    "route_class": "ingest",
    "begun_at": "2026-03-01T21:04:05Z",
    "expires_at": "2026-03-01T21:14:05Z",
    "seconds_left": 600,
    "begun_by": "client platform-admin",
}
KINDS = [kind.value for kind in Kind]


class FaultOut(Body):
    example = FAULT

    kind = serializers.ChoiceField(KINDS)
    value_ms = serializers.IntegerField()
    tenant = serializers.UUIDField(allow_null=True, help_text="Null: everybody's calls.")
    route_class = serializers.CharField(allow_null=True, help_text="Null: every class.")
    begun_at = Instant()
    expires_at = Instant()
    seconds_left = serializers.IntegerField()
    begun_by = serializers.CharField()


class Faults(Body):
    example = {"enabled": True, "items": [FAULT], "next": None}

    enabled = serializers.BooleanField(help_text="As `FAULTS_ENABLED` says.")
    items = FaultOut(many=True)
    next = serializers.CharField(allow_null=True)


class EnableFault(Body):
    example = {
        "kind": "db_latency_ms",
        "value_ms": 200,
        "minutes": 10,
        "route_class": "ingest",
        "reason": "drill of 1 March",
    }

    kind = serializers.ChoiceField(KINDS)
    minutes = serializers.IntegerField(help_text="1 to 60; then it is over by itself.")
    value_ms = serializers.IntegerField(
        required=False,
        help_text="For `db_latency_ms`, of each statement; for `timeout`, before it is told.",
    )
    tenant = serializers.UUIDField(required=False, help_text="This tenant's calls alone.")
    route_class = serializers.ChoiceField(list(ROUTE_CLASSES), required=False)
    reason = serializers.CharField(max_length=500)


class DisableFaults(Body):
    example = {"reason": "the drill is over"}

    kind = serializers.ChoiceField(KINDS, required=False, help_text="Left out: all of them.")
    reason = serializers.CharField(max_length=500)


def wanted(body: dict[str, Any]) -> Wanted:
    """What is ordered; a tenant that is not there is said to be none."""
    target = None
    if "tenant" in body:
        target = Tenant.objects.filter(uuid=body["tenant"]).first()
        if target is None:
            raise errors.Invalid(problems=[errors.Problem("/tenant", "unknown", "no such tenant")])
    return Wanted(
        kind=Kind(body["kind"]),
        minutes=body["minutes"],
        value_ms=body.get("value_ms", 0),
        target=target,
        route_class=body.get("route_class", ""),
    )


def fault(row: Fault) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "value_ms": row.value_ms,
        "tenant": row.target and str(row.target.uuid),
        "route_class": row.route_class or None,
        "begun_at": row.begun_at,
        "expires_at": row.expires_at,
        "seconds_left": _left_s(row),
        "begun_by": row.begun_by,
    }


def _left_s(row: Fault) -> int:
    left = row.expires_at - timezone.now() if row.expires_at else timedelta()
    return max(0, round(left.total_seconds()))


def listed(rows: list[Fault]) -> dict[str, Any]:
    items = [fault(row) for row in rows]
    return {"enabled": settings.FAULTS_ENABLED, "items": items, "next": None}
