"""Who calls in a load test of this very platform: a synthetic tenant, gone afterwards."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from operations.refusals import StressRefused
from operations.services import synthetic
from tenants.models import AuditEntry, ServiceClient, Tenant
from tenants.roles import Role
from tenants.services import clients, minting
from tenants.services.audit import Actor

DOER = Actor("loadtest", AuditEntry.Channel.COMMAND)
NAME = "loadtest"
TENANT_NAME = "load test"
REASON = "a load test"
# The longest test, its nights and its end.
TOKEN_S = 1_800


@dataclass(frozen=True)
class Tokens:
    token: str
    reload_token: str


@contextmanager
def opened_tokens(*, reloads: bool) -> Iterator[Tokens]:
    """A synthetic tenant's token, and one of the platform's own for reloads; in the end the tenant
    is removed with all its rows, and the platform's client is shut out."""
    if settings.PRODUCTION and not settings.STRESS_IN_PRODUCTION:
        raise StressRefused
    remove_left(at=timezone.now())
    ttl_s = min(TOKEN_S, settings.JWT_MAX_TTL_SECONDS)
    with ExitStack() as stack:
        tenant = synthetic.open_tenant(name=TENANT_NAME, actor=DOER)
        stack.callback(synthetic.remove_tenant, tenant=tenant)
        client, _key = clients.create_client(tenant=tenant, name=NAME, role=Role.ADMIN, actor=DOER)
        token = reload_token = minting.mint_token(client=client, ttl_s=ttl_s)
        if reloads:
            reloader = _reloader()
            stack.callback(_shut_out, reloader)
            reload_token = minting.mint_token(client=reloader, ttl_s=ttl_s)
        yield Tokens(token, reload_token)


def remove_left(*, at: datetime) -> int:
    """Remove what killed tests left: their tenants, and where no test is under way the platform's
    client that could still be used. Answers how many tenants."""
    removed = synthetic.remove_left(at=at)
    under_way = Tenant.objects.filter(slug__startswith=synthetic.PREFIX, name=TENANT_NAME)
    known = ServiceClient.objects.filter(tenant__in=Tenant.objects.platform(), name=NAME)
    for client in () if under_way.exists() else known.filter(is_enabled=True):
        _shut_out(client)
    return removed


def _reloader() -> ServiceClient:
    """Always the same one, for clients are never deleted; without a platform there is none."""
    platform = Tenant.objects.platform().get()
    known = ServiceClient.objects.filter(tenant=platform, name=NAME).first()
    if known is None:
        role = Role.ML_OPS
        return clients.create_client(tenant=platform, name=NAME, role=role, actor=DOER)[0]
    return clients.set_enabled(client=known, is_enabled=True, actor=DOER, reason=REASON)


def _shut_out(client: ServiceClient) -> None:
    clients.set_enabled(client=client, is_enabled=False, actor=DOER, reason=REASON)
