"""The people at the console, and what each is in which tenant."""

from functools import cached_property

from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.models import Session
from django.db import models

from tenants.models.tenant import Tenant
from tenants.roles import Capability, ConsoleRole, granted_to_operator


class Operator(AbstractUser):
    """A person; what she may do comes from her memberships, never from flags on this row."""

    otp_secret = models.TextField(blank=True, editable=False)
    otp_last_step = models.BigIntegerField(default=0, editable=False)
    # Somebody else knows her password: nothing but a new one until she has chosen it.
    must_change_password = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["username"]

    @cached_property
    def held(self) -> list["Membership"]:
        """Her memberships; one query for the whole request."""
        return list(self.memberships.select_related("tenant"))

    def reach(self, capability: Capability) -> frozenset[int] | None:
        """The tenants in which she may do this; None stands for every one.

        A membership lends only its own capabilities: what she may do in one tenant widens nothing
        that she merely sees elsewhere. A suspended tenant's people may do nothing in it."""
        if not self.is_active:
            return frozenset()
        granting = [row for row in self.held if capability in row.capabilities]
        if any(row.sees_every_tenant for row in granting):
            return None
        return frozenset(row.tenant_id for row in granting if not row.tenant.is_suspended)

    def may(self, capability: Capability, tenant_id: int | None = None) -> bool:
        """In one tenant, or with no tenant named: anywhere."""
        reach = self.reach(capability)
        if reach is None:
            return True
        return bool(reach) if tenant_id is None else tenant_id in reach

    def may_give(self, membership: "Membership") -> bool:
        """Nobody lends what she has not: each of its capabilities, as far as it would reach."""
        reaches = [self.reach(capability) for capability in membership.capabilities]
        if membership.sees_every_tenant:
            return all(reach is None for reach in reaches)
        return all(reach is None or membership.tenant_id in reach for reach in reaches)


class RecoveryCode(models.Model):
    """Stands in for a one-time code, once. What is kept is a digest of 80 random bits."""

    operator = models.ForeignKey(
        Operator, on_delete=models.CASCADE, related_name="recovery_codes", editable=False
    )
    digest = models.CharField(max_length=64, editable=False)
    used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["operator", "digest"], name="recovery_code_once"),
        ]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"


class ConsoleSession(models.Model):
    """A sign-in that may still be going on; it ends with its session, and ends it.

    Its own key stands in addresses: the session's would let whoever reads it be her."""

    session = models.OneToOneField(
        Session, on_delete=models.CASCADE, related_name="+", editable=False
    )
    operator = models.ForeignKey(Operator, on_delete=models.CASCADE, related_name="sessions")
    started_at = models.DateTimeField(auto_now_add=True)
    address = models.CharField(max_length=64, blank=True)
    browser = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.operator} since {self.started_at:%Y-%m-%d %H:%M} UTC"


# In the platform tenant these roles look after everybody's.
SEEING_EVERY_TENANT = (ConsoleRole.PLATFORM_ADMIN, ConsoleRole.OPERATOR, ConsoleRole.AUDITOR)


class Membership(models.Model):
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="memberships")
    operator = models.ForeignKey(Operator, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=[(r.value, r.value) for r in ConsoleRole])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["operator__username"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "operator"], name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=[role.value for role in ConsoleRole]),
                name="membership_role_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operator} as {self.role} of {self.tenant}"

    @property
    def capabilities(self) -> frozenset[Capability]:
        return granted_to_operator(ConsoleRole(self.role), is_platform=self.tenant.is_platform)

    @property
    def sees_every_tenant(self) -> bool:
        return self.tenant.is_platform and self.role in SEEING_EVERY_TENANT
