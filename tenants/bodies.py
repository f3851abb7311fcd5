"""The bodies of this app's routes: what is taken, what is answered, one function a shape."""

import uuid
from datetime import datetime
from typing import Any

from django.http import Http404
from rest_framework import serializers

from noctis.serializers import Body, Instant
from tenants import models
from tenants.callers import Caller
from tenants.roles import Role
from tenants.services.clients import IssuedKey as Issued
from tenants.services.clients import KeyRequest
from tenants.services.operators import Pair as TokenPair

ALGORITHMS = models.ServiceClientKey.Algorithm.values
WEEK_S = 7 * 86_400


class Reason(Body):
    example = {"reason": "gateway was replaced"}

    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class SignIn(Body):
    example = {"username": "ada", "password": "…", "otp": "123456", "tenant": "demo"}

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1000, trim_whitespace=False)
    otp = serializers.CharField(max_length=12, default="", allow_blank=True)
    tenant = serializers.CharField(max_length=63)


class Renew(Body):
    example = {"refresh": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.….…"}

    refresh = serializers.CharField(max_length=4096)


class Pair(Body):
    example = {"access": "eyJhbGciOiJIUzI1NiJ9.….…", "refresh": "eyJhbGciOiJIUzI1NiJ9.….…"}

    access = serializers.CharField()
    refresh = serializers.CharField()


class KeyChoice(Body):
    algorithm = serializers.ChoiceField(ALGORITHMS, default="HS256")
    public_key = serializers.CharField(
        max_length=4096, default=None, allow_null=True, help_text="PEM; for all but HS256."
    )
    expires_at = Instant(default=None, allow_null=True)


class NewClient(KeyChoice):
    example = {"name": "ward 3 gateway", "role": "ingest", "algorithm": "HS256"}

    name = serializers.CharField(max_length=120)
    role = serializers.ChoiceField([role.value for role in Role])


class Rotation(KeyChoice):
    example = {"algorithm": "HS256", "overlap_seconds": WEEK_S, "reason": "yearly rotation"}

    overlap_seconds = serializers.IntegerField(
        default=WEEK_S, min_value=0, help_text="How long the old keys are still accepted."
    )
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class Whoami(Body):
    example = {
        "kind": "client",
        "id": "5d2c1e0a-8f3b-4b77-9a21-6f0e4d1c2b3a",
        "name": "ward 3 gateway",
        "tenant_id": "0b9f7c52-1d3e-4a6f-8c2b-7e5d4c3b2a10",
        "role": "ingest",
        "kid": "k_7Hq2vXzR4mNw9TbL",
        "device_id": None,
        "capabilities": ["devices.read", "devices.write", "epochs.write", "whoami"],
    }

    kind = serializers.ChoiceField(["client", "operator"])
    id = serializers.CharField()
    name = serializers.CharField()
    tenant_id = serializers.UUIDField()
    role = serializers.ChoiceField([role.value for role in Role])
    kid = serializers.CharField(allow_null=True)
    device_id = serializers.UUIDField(allow_null=True)
    capabilities = serializers.ListField(child=serializers.CharField())


class Client(Body):
    example: dict[str, Any] = {
        "id": "5d2c1e0a-8f3b-4b77-9a21-6f0e4d1c2b3a",
        "name": "ward 3 gateway",
        "role": "ingest",
        "enabled": True,
        "created_at": "2026-03-01T21:04:05Z",
    }

    id = serializers.UUIDField()
    name = serializers.CharField()
    role = serializers.ChoiceField([role.value for role in Role])
    enabled = serializers.BooleanField()
    created_at = Instant()


class Key(Body):
    example: dict[str, Any] = {
        "kid": "k_7Hq2vXzR4mNw9TbL",
        "algorithm": "HS256",
        "state": "active",
        "expires_at": None,
        "last_used_at": "2026-03-02T04:31:00Z",
        "device_id": None,
        "created_at": "2026-03-01T21:04:05Z",
    }

    kid = serializers.CharField()
    algorithm = serializers.ChoiceField(ALGORITHMS)
    state = serializers.ChoiceField(models.ServiceClientKey.State.values)
    expires_at = Instant(allow_null=True)
    last_used_at = Instant(allow_null=True)
    device_id = serializers.UUIDField(allow_null=True)
    created_at = Instant()


class IssuedKey(Key):
    example = Key.example | {"last_used_at": None, "secret": "shown once, 64 characters"}

    secret = serializers.CharField(allow_null=True, help_text="HS256 only; shown this once.")


class ClientWithKey(Client):
    example = Client.example | {"key": IssuedKey.example}

    key = IssuedKey()


class AuditEntry(Body):
    example = {
        "sequence": 42,
        "at": "2026-03-01T21:04:05Z",
        "actor": "client ward admin",
        "channel": "api",
        "action": "client.disable",
        "object_type": "serviceclient",
        "object_id": "5d2c1e0a-8f3b-4b77-9a21-6f0e4d1c2b3a",
        "before": {"is_enabled": True},
        "after": {"is_enabled": False},
        "reason": "gateway was replaced",
        "request_id": "6f1e0c5a9b7d4e2f8a3c1d0b9e8f7a6b",
        "digest": "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab",
    }

    sequence = serializers.IntegerField()
    at = Instant()
    actor = serializers.CharField()
    channel = serializers.ChoiceField(models.AuditEntry.Channel.values)
    action = serializers.CharField()
    object_type = serializers.CharField()
    object_id = serializers.CharField()
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)
    reason = serializers.CharField()
    request_id = serializers.CharField()
    digest = serializers.CharField()


def instant(value: datetime | None) -> str | None:
    return value.isoformat().replace("+00:00", "Z") if value else None


def uuid_or_404(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Http404 from None


def key_request(body: dict[str, Any]) -> KeyRequest:
    return KeyRequest(body["algorithm"], body["public_key"], body["expires_at"])


def whoami(caller: Caller) -> dict[str, Any]:
    return {
        "kind": caller.kind,
        "id": caller.identity,
        "name": caller.name,
        "tenant_id": str(caller.tenant.uuid),
        "role": caller.role,
        "kid": caller.kid or None,
        "device_id": caller.device_uuid,
        "capabilities": sorted(caller.capabilities),
    }


def pair(tokens: TokenPair) -> dict[str, str]:
    return {"access": tokens.access, "refresh": tokens.refresh}


def client(row: models.ServiceClient) -> dict[str, Any]:
    return {
        "id": str(row.uuid),
        "name": row.name,
        "role": row.role,
        "enabled": row.is_enabled,
        "created_at": instant(row.created_at),
    }


def key(row: models.ServiceClientKey) -> dict[str, Any]:
    return {
        "kid": row.kid,
        "algorithm": row.algorithm,
        "state": row.state,
        "expires_at": instant(row.expires_at),
        "last_used_at": instant(row.last_used_at),
        "device_id": row.device_uuid,
        "created_at": instant(row.created_at),
    }


def issued(new: Issued) -> dict[str, Any]:
    return key(new.key) | {"secret": new.secret}


def audit_entry(row: models.AuditEntry) -> dict[str, Any]:
    fields = ("sequence", "actor", "channel", "action", "object_type", "object_id", "before")
    more = ("after", "reason", "request_id", "digest")
    return {name: getattr(row, name) for name in fields + more} | {"at": instant(row.at)}
