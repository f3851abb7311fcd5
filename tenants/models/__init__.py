"""The rows of ownership and access."""

from tenants.models.audit import AuditChain, AuditEntry
from tenants.models.client import KeyDay, ServiceClient, ServiceClientKey
from tenants.models.operator import ConsoleSession, Membership, Operator, RecoveryCode
from tenants.models.owned import Owned, OwnedQuerySet
from tenants.models.tenant import Tenant

__all__ = [
    "AuditChain",
    "AuditEntry",
    "ConsoleSession",
    "KeyDay",
    "Membership",
    "Operator",
    "Owned",
    "OwnedQuerySet",
    "RecoveryCode",
    "ServiceClient",
    "ServiceClientKey",
    "Tenant",
]
