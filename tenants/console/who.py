"""The operator behind a request of the console."""

from django.http import HttpRequest

from tenants.models import AuditEntry, Operator
from tenants.services.audit import Actor


def operator_of(request: HttpRequest) -> Operator:
    """The signed-in operator; whoever is nobody becomes an operator of nothing."""
    person = request.user
    return person if isinstance(person, Operator) else Operator(is_active=False)


def actor_of(request: HttpRequest) -> Actor:
    return Actor(f"operator {operator_of(request).username}", AuditEntry.Channel.CONSOLE)
