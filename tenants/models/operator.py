"""The people at the console, and what each is in which tenant."""

from functools import cached_property

from django.contrib.auth.models import AbstractUser
from django.db import models

from tenants.models.tenant import Tenant
from tenants.roles import Capability, ConsoleRole, granted_to_operator


class Operator(AbstractUser):
    """A person; what she may do comes from her memberships, never from flags on this row."""

    otp_secret = models.TextField(blank=True, editable=False)
    otp_last_step = models.BigIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["username"]

    @cached_property
    def roles(self) -> dict[int, frozenset[Capability]]:
        """Tenant's key -> what she may do there; one query for the whole request."""
        rows = self.memberships.select_related("tenant")
        return {row.tenant_id: row.capabilities for row in rows}

    @property
    def tenant_ids(self) -> list[int]:
        return list(self.roles)

    @cached_property
    def sees_every_tenant(self) -> bool:
        return self.is_active and self.memberships.seeing_every_tenant().exists()

    def may(self, capability: Capability, tenant_id: int | None = None) -> bool:
        """In one tenant, or with no tenant named: anywhere."""
        if not self.is_active:
            return False
        if self.is_platform_admin:
            return True
        if tenant_id is None:
            return any(capability in granted for granted in self.roles.values())
        return capability in self.roles.get(tenant_id, frozenset())

    @cached_property
    def is_platform_admin(self) -> bool:
        return any(Capability.PLATFORM in granted for granted in self.roles.values())


class MembershipQuerySet(models.QuerySet["Membership"]):
    def seeing_every_tenant(self) -> "MembershipQuerySet":
        seeing = [ConsoleRole.PLATFORM_ADMIN, ConsoleRole.OPERATOR, ConsoleRole.AUDITOR]
        return self.filter(tenant__kind=Tenant.Kind.PLATFORM, role__in=seeing)


class Membership(models.Model):
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="memberships")
    operator = models.ForeignKey(Operator, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=[(r.value, r.value) for r in ConsoleRole])
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

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
