"""Programs that call: a service client of one tenant, and the keys that sign its tokens."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from noctis.db.constraints import CompositeForeignKey
from tenants.models.owned import Owned, OwnedQuerySet
from tenants.roles import Role

# So long before its end a key is somebody's business.
ENDS_SOON = timedelta(days=7)


class ServiceClient(Owned):
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=16, choices=[(r.value, r.value) for r in Role])
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            # Serves the tenant's list, newest first: GET /v1/clients.
            models.Index(fields=["tenant", "-created_at", "-id"], name="client_by_tenant"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="client_tenant_id"),
            models.UniqueConstraint(fields=["tenant", "name"], name="client_name_once"),
            models.CheckConstraint(
                condition=Q(role__in=[role.value for role in Role]), name="client_role_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class KeyQuerySet(OwnedQuerySet):
    def accepted(self, at: datetime) -> "KeyQuerySet":
        """Keys that may sign at this instant."""
        unended = Q(expires_at=None) | Q(expires_at__gt=at)
        return self.filter(unended).exclude(state=ServiceClientKey.State.REVOKED)

    def past_their_end(self, at: datetime) -> "KeyQuerySet":
        """Keys that are accepted no more but which are not marked revoked yet."""
        return self.filter(expires_at__lte=at).exclude(state=ServiceClientKey.State.REVOKED)


class ServiceClientKey(Owned):
    """A retiring key is accepted until `expires_at`; the row says so itself, no task has to run."""

    class Algorithm(models.TextChoices):
        HS256 = "HS256", "HS256"
        EDDSA = "EdDSA", "EdDSA"
        ES256 = "ES256", "ES256"
        RS256 = "RS256", "RS256"

    class State(models.TextChoices):
        ACTIVE = "active"
        RETIRING = "retiring"
        REVOKED = "revoked"

    client = models.ForeignKey(
        ServiceClient, on_delete=models.PROTECT, related_name="keys", db_constraint=False
    )
    kid = models.CharField(max_length=40, unique=True, editable=False)
    algorithm = models.CharField(max_length=8, choices=Algorithm)
    # HS256: the secret, sealed by the key ring; otherwise the public key, PEM.
    material = models.TextField(editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    expires_at = models.DateTimeField(null=True, blank=True)
    device_uuid = models.UUIDField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = KeyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            # Serves a client's keys, newest first: GET /v1/clients/{id}/keys.
            models.Index(fields=["tenant", "client", "-created_at", "-id"], name="key_by_client"),
        ]
        constraints = [
            CompositeForeignKey(
                fields=("tenant", "client"),
                to="tenants.ServiceClient",
                to_fields=("tenant", "id"),
                name="key_client_of_tenant",
            ),
            models.CheckConstraint(
                condition=Q(algorithm__in=["HS256", "EdDSA", "ES256", "RS256"]),
                name="key_algorithm_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["active", "revoked"])
                | Q(state="retiring", expires_at__isnull=False),
                name="key_state_known_retiring_ends",
            ),
        ]

    def __str__(self) -> str:
        return self.kid


class KeyDay(Owned):
    """How often a key called on a UTC day; of a process's last minute it may not know."""

    kid = models.CharField(max_length=40)
    on = models.DateField()
    calls = models.BigIntegerField(default=0)
    # Of these, what was answered with a refusal or a failure.
    refused = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            # And finds a key's days: its page, and its client's.
            models.UniqueConstraint(fields=["tenant", "kid", "on"], name="key_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kid} on {self.on}"
