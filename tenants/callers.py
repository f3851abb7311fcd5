"""Who is calling: the one object that views, permissions and limits look at."""

from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from tenants.models import AuditEntry, Tenant
from tenants.roles import Capability
from tenants.services.audit import Actor

# A key bound to one device may record with it and nothing else; the rest does not exist for it.
DEVICE_CAPABILITIES = frozenset(
    {Capability.WHOAMI, Capability.RECORDINGS_WRITE, Capability.EPOCHS_WRITE}
)


@dataclass(frozen=True)
class Caller:
    """A verified service client or operator, acting in one tenant."""

    identity: str
    name: str
    kind: str
    role: str
    tenant: Tenant
    capabilities: frozenset[Capability]
    kid: str = ""
    # The service client's row; an operator has none.
    client_id: int | None = None
    device_uuid: UUID | None = None
    is_authenticated: bool = True

    @cached_property
    def actor(self) -> Actor:
        return Actor(f"{self.kind} {self.name}", AuditEntry.Channel.API)

    def may(self, capability: Capability) -> bool:
        return capability in self.capabilities
