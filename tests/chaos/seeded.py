"""What the writers need to be there: a tenant, a client, nights. Runs in a process of its own."""

import json
import sys
from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone

from devices.services import register_device
from recordings.services import nights
from recordings.services.nights import Night
from tenants.models import AuditEntry, Tenant
from tenants.roles import Role
from tenants.services import clients, minting, tenants
from tenants.services.audit import Actor

ACTOR = Actor("chaos", AuditEntry.Channel.COMMAND)


def main(count: int) -> None:
    """Fill an empty database, and print the token and the nights."""
    call_command("migrate", verbosity=0)
    tenant = tenants.create_tenant(
        slug="noctis", name="Noctis", kind=Tenant.Kind.PLATFORM, actor=ACTOR
    )
    client, _ = clients.create_client(tenant=tenant, name="writer", role=Role.INGEST, actor=ACTOR)
    device = register_device(tenant=tenant, facts={"name": "box"}, actor=ACTOR)
    opened = [
        nights.open_recording(device=device, night=Night(timezone.now() - timedelta(days=n + 1)))
        for n in range(count)
    ]
    told = {
        "token": minting.mint_token(client=client, ttl_s=12 * 3600),
        "nights": [(str(night.uuid), night.started_at.isoformat()) for night in opened],
    }
    sys.stdout.write(json.dumps(told))
