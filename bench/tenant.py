"""Who sends in a benchmark: a tenant, a device, and a token that outlives the run."""

from devices.models import Device
from tenants.models import AuditEntry
from tenants.roles import Role
from tenants.services import clients, minting, tenants
from tenants.services.audit import Actor

ACTOR = Actor("bench", AuditEntry.Channel.COMMAND)


def sender() -> tuple[Device, str]:
    tenant = tenants.create_tenant(slug="bench", name="Bench", actor=ACTOR)
    client, _ = clients.create_client(tenant=tenant, name="sender", role=Role.INGEST, actor=ACTOR)
    device = Device.objects.create(tenant=tenant, name="bench")
    return device, minting.mint_token(client=client, ttl_s=7_200)
