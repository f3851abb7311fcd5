"""The rows of ownership and access."""

from tenants.models.audit import AuditChain, AuditEntry
from tenants.models.client import ServiceClient, ServiceClientKey
from tenants.models.operator import Membership, Operator
from tenants.models.owned import Owned, OwnedQuerySet
from tenants.models.tenant import Tenant

__all__ = [
    "AuditChain",
    "AuditEntry",
    "Membership",
    "Operator",
    "Owned",
    "OwnedQuerySet",
    "ServiceClient",
    "ServiceClientKey",
    "Tenant",
]
