"""Finding rows by what a person types: a slug, a name, an id. For commands, not for requests."""

import os

from noctis import errors
from noctis.embedded.home import user_name
from tenants.models import AuditEntry, Operator, ServiceClient, Tenant
from tenants.services.audit import Actor


def shell_actor() -> Actor:
    """Who the system says runs the command; the environment could name anybody."""
    return Actor(f"shell {user_name(os.geteuid())}", AuditEntry.Channel.COMMAND)


def tenant_called(slug: str) -> Tenant:
    found = Tenant.objects.filter(slug=slug).first()
    if found is None:
        raise errors.Missing(f"There is no tenant {slug}; `manage.py tenant list` shows them.")
    return found


def client_called(tenant_slug: str, name: str) -> ServiceClient:
    owned = ServiceClient.objects.all().owned_by(tenant_called(tenant_slug))
    found = owned.select_related("tenant").filter(name=name).first()
    if found is None:
        raise errors.Missing(f"{tenant_slug} has no client called {name}.")
    return found


def operator_called(username: str) -> Operator:
    found = Operator.objects.filter(username=username).first()
    if found is None:
        raise errors.Missing(f"There is no operator {username}.")
    return found
