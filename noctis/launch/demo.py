"""The demo's content: tenants, clients and an operator, and the block that tells of them.

Safe to repeat: what is there already is left as it is.
"""

import secrets
from pathlib import Path
from typing import NamedTuple

import msgspec
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from inference.services import shipped
from inference.services.model_events import Decision
from noctis.embedded import EmbeddedError
from noctis.launch import demo_nights
from operations.models import StoragePolicy
from operations.services import policies
from recordings.models import Recording
from tenants.models import AuditEntry, Operator, ServiceClient, Tenant
from tenants.roles import ConsoleRole, Role
from tenants.services import clients, minting, operators, tenants
from tenants.services.audit import Actor

ACTOR = Actor("demo", AuditEntry.Channel.COMMAND)
USERNAME = "admin"
TOKEN_TTL_S = 12 * 3600


class DemoTenant(NamedTuple):
    slug: str
    name: str
    kind: str
    timezone: str
    clients: dict[str, Role]


TENANTS = (
    DemoTenant("noctis", "Noctis", Tenant.Kind.PLATFORM, "UTC", {"platform-admin": Role.ADMIN}),
    DemoTenant(
        "harbour",
        "Harbour Sleep Lab",
        Tenant.Kind.CUSTOMER,
        "Europe/Oslo",
        {"gateway": Role.INGEST, "research": Role.READ, "lab-admin": Role.ADMIN},
    ),
)
TRIED_FIRST = ("harbour", "lab-admin")


def seed(credentials: Path) -> None:
    """Bring the schema up to date and make what is missing."""
    if is_behind():
        call_command("migrate", verbosity=0)
    for row in TENANTS:
        _seed_tenant(row)
    _apply_policies()
    shipped.ensure_models(decision=Decision(ACTOR, "comes with the platform"))
    demo_nights.seed(Tenant.objects.get(slug=TRIED_FIRST[0]), ACTOR)
    _seed_operator(credentials)


def _apply_policies() -> None:
    """On a new platform, or nothing would ever go; where nights are, somebody else decides."""
    was_applied = StoragePolicy.objects.filter(value__isnull=False).exists()
    if not was_applied and not Recording.objects.exists():
        decision = policies.Decision(ACTOR, "comes with the platform")
        policies.apply(plan_hash=policies.plan().hash, decision=decision)


def is_behind() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _seed_tenant(row: DemoTenant) -> None:
    tenant = Tenant.objects.filter(slug=row.slug).first() or tenants.create_tenant(
        slug=row.slug, name=row.name, kind=row.kind, timezone=row.timezone, actor=ACTOR
    )
    known = set(ServiceClient.objects.all().owned_by(tenant).values_list("name", flat=True))
    for name, role in row.clients.items():
        if name not in known:
            clients.create_client(tenant=tenant, name=name, role=role, actor=ACTOR)


def _seed_operator(credentials: Path) -> None:
    """The password is kept first: a start that is cut short here goes on with the next one."""
    is_known = Operator.objects.filter(username=USERNAME).exists()
    if not is_known and not credentials.exists():
        _keep({"username": USERNAME, "password": secrets.token_urlsafe(12)}, credentials)
    if not is_known:
        operators.create_operator(
            **_read(credentials),
            tenant=Tenant.objects.get(slug=TENANTS[0].slug),
            role=ConsoleRole.PLATFORM_ADMIN,
            actor=ACTOR,
        )


def _keep(known: dict[str, str], credentials: Path) -> None:
    """Whole or not at all, where only the demo's owner reads it."""
    draft = credentials.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_bytes(msgspec.json.encode(known))
    draft.replace(credentials)


def block(address: str, credentials: Path) -> str:
    """Where to look and what to try; the token in it is fresh."""
    tenant, name = TRIED_FIRST
    client = ServiceClient.objects.select_related("tenant").get(tenant__slug=tenant, name=name)
    token = minting.mint_token(client=client, ttl_s=TOKEN_TTL_S)
    known = _read(credentials)
    rows = (
        ("Console", f"{address}/console/"),
        ("", f"user {known['username']}, password {known['password']}"),
        ("API docs", f"{address}/v1/docs"),
        ("Try", f"curl -s {address}/v1/whoami -H 'Authorization: Bearer {token}'"),
        ("Tokens", f".venv/bin/python manage.py client token {tenant} {name} --ttl 1h"),
        ("Again", "make status"),
        ("Stop", "Ctrl-C"),
        ("Reset", "make reset"),
    )
    lines = (f"  {label.ljust(9)} {text}" for label, text in rows)
    return "\n".join(["", "Noctis is running.", "", *lines, ""])


def _read(credentials: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(credentials.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        raise EmbeddedError(f"{credentials} cannot be read: make reset") from None
