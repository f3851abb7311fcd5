"""What a tenant owns: the abstract row and the queryset that every read of it starts from."""

from typing import Any, ClassVar, Self

from django.db import models

from tenants.models.tenant import Tenant


class OwnedQuerySet(models.QuerySet[Any]):
    def owned_by(self, tenant: Tenant | int) -> Self:
        return self.filter(tenant=tenant)


class Owned(models.Model):
    """Subclasses that others point at add `UniqueConstraint(fields=["tenant", "id"])`."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        abstract = True
