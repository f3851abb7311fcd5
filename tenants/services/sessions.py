"""Entering the console: who may, and the entry that says she did."""

import structlog
from django.contrib.auth import authenticate
from django.db import transaction

from noctis import metrics
from tenants.models import Operator
from tenants.roles import Capability
from tenants.services import audit, operators
from tenants.services.audit import Actor, Channel
from tenants.services.operators import SignInRefused

log = structlog.get_logger(__name__)


def enter_console(*, username: str, password: str, otp: str) -> Operator:
    """Check an operator's credentials, use up her code, and tell the log of each of her tenants."""
    operators.use_attempt_at(username)
    person = authenticate(username=username, password=password)
    if not isinstance(person, Operator) or not person.may(Capability.WHOAMI):
        raise _refused("sign_in")
    with transaction.atomic():
        if not operators.passes_second_factor(operator=person, code=otp):
            raise _refused("second_factor")
        _tell_her_tenants(person)
    return person


def _tell_her_tenants(person: Operator) -> None:
    actor = Actor(f"operator {person.username}", Channel.CONSOLE)
    # In the order of their keys: two sign-ins never wait for each other's chains in a circle.
    for held in sorted(person.held, key=lambda held: held.tenant_id):
        audit.record(actor=actor, tenant=held.tenant, action="operator.sign_in", subject=person)


def _refused(reason: str) -> SignInRefused:
    """Counted and logged without the name that was typed, which may be a password."""
    metrics.AUTH_FAILURES.labels(reason=reason).inc()
    log.warning("console_sign_in_refused", reason=reason)
    return SignInRefused()
