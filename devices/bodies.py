"""The bodies of the devices' routes: what is taken, what is answered."""

from typing import Any

from rest_framework import serializers

from devices.models import Device as Row
from devices.models import DeviceQuerySet
from noctis.filters import Filter
from noctis.serializers import Body, Instant
from tenants import bodies
from tenants.models import ServiceClient
from tenants.services.clients import IssuedKey, KeyRequest

STATUSES = list(Row.Status.values)
NOT_A_STATUS: dict[str, Any] = {"invalid_choice": f"one of {', '.join(STATUSES)}"}

FILTERS = {
    "external_id": Filter(
        serializers.CharField(max_length=120),
        DeviceQuerySet.called,
        {"type": "string"},
        "The device with exactly this external id.",
    ),
    "status": Filter(
        serializers.ChoiceField(STATUSES, error_messages=NOT_A_STATUS),
        DeviceQuerySet.in_status,
        {"enum": STATUSES},
        "Only devices in this state.",
    ),
    "updated_since": Filter(
        Instant(),
        DeviceQuerySet.updated_since,
        {"type": "string", "format": "date-time"},
        "Registered or changed at or after this instant; sending epochs is no change.",
    ),
}


class NewDevice(Body):
    example = {"name": "bed 12", "external_id": "NB-0042", "model": "noctis one"}

    name = serializers.CharField(max_length=120)
    external_id = serializers.CharField(
        max_length=120, allow_null=True, required=False, help_text="The tenant's own name for it."
    )
    model = serializers.CharField(max_length=60, allow_blank=True, required=False)
    firmware_version = serializers.CharField(max_length=60, allow_blank=True, required=False)


class DeviceChange(NewDevice):
    """What is left out stays as it is."""

    example = {"firmware_version": "1.4.0", "status": "retired"}

    name = serializers.CharField(max_length=120, required=False)
    status = serializers.ChoiceField(STATUSES, required=False, error_messages=NOT_A_STATUS)


class Device(Body):
    example: dict[str, Any] = {
        "id": "7a3f5a1c-2f64-4b0e-9d57-0c8f6f1f2b11",
        "name": "bed 12",
        "external_id": "NB-0042",
        "model": "noctis one",
        "firmware_version": "1.4.0",
        "status": "active",
        "last_seen_at": "2026-03-02T04:31:00Z",
        "created_at": "2026-03-01T21:04:05Z",
    }

    id = serializers.UUIDField()
    name = serializers.CharField()
    external_id = serializers.CharField(allow_null=True)
    model = serializers.CharField()
    firmware_version = serializers.CharField()
    status = serializers.ChoiceField(STATUSES)
    last_seen_at = Instant(allow_null=True)
    created_at = Instant()


class NewCredential(Body):
    example = {"algorithm": "EdDSA", "public_key": "-----BEGIN PUBLIC KEY-----\n…"}

    algorithm = serializers.ChoiceField(
        bodies.ALGORITHMS,
        required=False,
        help_text="If absent: EdDSA where a public key is given, else HS256.",
        error_messages={"invalid_choice": f"one of {', '.join(bodies.ALGORITHMS)}"},
    )
    public_key = serializers.CharField(
        max_length=4096, default=None, allow_null=True, help_text="PEM; for all but HS256."
    )


class Credential(bodies.IssuedKey):
    example = bodies.IssuedKey.example | {
        "client_id": "5d2c1e0a-8f3b-4b77-9a21-6f0e4d1c2b3a",
        "tenant_id": "0b9f7c52-1d3e-4a6f-8c2b-7e5d4c3b2a10",
        "device_id": Device.example["id"],
    }

    client_id = serializers.UUIDField(help_text="The `sub` of this device's tokens.")
    tenant_id = serializers.UUIDField(help_text="The `tenant_id` of this device's tokens.")


def device(row: Row) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "name": row.name,
        "external_id": row.external_id,
        "model": row.model,
        "firmware_version": row.firmware_version,
        "status": row.status,
        "last_seen_at": bodies.instant(row.last_seen_at),
        "created_at": bodies.instant(row.created_at),
    }


def key_request(body: dict[str, Any]) -> KeyRequest:
    usual = "EdDSA" if body["public_key"] else "HS256"
    return KeyRequest(body.get("algorithm", usual), body["public_key"])


def credential(client: ServiceClient, issued: IssuedKey) -> dict[str, Any]:
    ids = {"client_id": client.uuid, "tenant_id": client.tenant.uuid}
    return bodies.issued(issued) | ids
