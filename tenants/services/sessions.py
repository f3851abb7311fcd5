"""Entering the console: who may, the entry that says she did, and what ends it."""

import structlog
from django.contrib.auth import authenticate
from django.contrib.sessions.models import Session
from django.db import transaction

from noctis import metrics
from tenants.models import ConsoleSession, Operator
from tenants.roles import Capability
from tenants.services import audit, credentials, factors, operators
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
        if not factors.passes(operator=person, code=otp, actor=_herself(person)):
            raise _refused("second_factor")
        _tell_her_tenants(person)
    return person


def _herself(person: Operator) -> Actor:
    return Actor(f"operator {person.username}", Channel.CONSOLE)


def _tell_her_tenants(person: Operator) -> None:
    actor = _herself(person)
    # In the order of their keys: two sign-ins never wait for each other's chains in a circle.
    for held in sorted(person.held, key=lambda held: held.tenant_id):
        audit.record(actor=actor, tenant=held.tenant, action="operator.sign_in", subject=person)


def begin_session(
    *, operator: Operator, session_key: str, address: str, browser: str
) -> ConsoleSession:
    """Write down where a session came from, so that its owner can tell it from another."""
    facts = {"operator": operator, "address": address[:64], "browser": browser[:200]}
    row, _ = ConsoleSession.objects.update_or_create(session_id=session_key, defaults=facts)
    return row


def end_session(*, session: ConsoleSession, actor: Actor, reason: str = "") -> None:
    """Sign somebody out where that session is; the next request from there has to sign in."""
    with transaction.atomic():
        credentials.tell(
            operator=session.operator, action="operator.end_session", actor=actor, reason=reason
        )
        Session.objects.filter(pk=session.session_id).delete()


def _refused(reason: str) -> SignInRefused:
    """Counted and logged without the name that was typed, which may be a password."""
    metrics.AUTH_FAILURES.labels(reason=reason).inc()
    log.warning("console_sign_in_refused", reason=reason)
    return SignInRefused()
