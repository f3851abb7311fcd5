"""What a tenant owns: the abstract row and the queryset that every read of it starts from."""

from typing import Any, ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models

from tenants.models.operator import Operator
from tenants.models.tenant import Tenant


class OwnedQuerySet(models.QuerySet[Any]):
    def owned_by(self, tenant: Tenant | int) -> Self:
        return self.filter(tenant=tenant)

    def visible_to(self, operator: Operator | AnonymousUser) -> Self:
        """What an operator's memberships own; the platform's own operators see every tenant."""
        if not isinstance(operator, Operator):
            return self.none()
        if operator.sees_every_tenant:
            return self
        return self.filter(tenant__in=operator.tenant_ids)


class Owned(models.Model):
    """Subclasses that others point at add `UniqueConstraint(fields=["tenant", "id"])`."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        abstract = True
