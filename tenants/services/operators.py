"""Operators: made, enrolled for one-time codes, signed in for scripts."""

import hashlib
import time
from dataclasses import dataclass
from typing import cast

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken, Token

from noctis import errors, keyring, limits, metrics
from tenants import tokens, totp
from tenants.models import Membership, Operator, Tenant
from tenants.services import audit
from tenants.services.audit import Actor
from tenants.services.clients import NameTaken


class SignInRefused(errors.Unauthenticated):
    """One answer for every cause: no oracle for names, passwords, codes or tenants."""

    row = errors.registered(
        "sign_in_refused",
        401,
        "Sign-in refused",
        "User name, password, one-time code and tenant do not fit together.",
        "Check all four; a code can be used once. A new operator's second factor comes from "
        "`manage.py operator create`.",
    )


@dataclass(frozen=True)
class Pair:
    access: str
    refresh: str


def create_operator(
    *, username: str, password: str, tenant: Tenant, role: str, actor: Actor, reason: str = ""
) -> Operator:
    """Make a person who may sign in to the console as one role of one tenant."""
    person = Operator(username=username, is_staff=True)
    try:
        validate_password(password, person)
        person.set_password(password)
        person.full_clean(validate_unique=False)
    except ValidationError as error:
        raise errors.Invalid(problems=[_problem(text) for text in error.messages]) from None
    with transaction.atomic():
        _insert(person)
        Membership.objects.create(tenant=tenant, operator=person, role=role)
        audit.record(
            actor=actor,
            tenant=tenant,
            action="operator.create",
            subject=person,
            change=(None, {"username": username, "role": str(role)}),
            reason=reason,
        )
    return person


def _problem(text: str) -> errors.Problem:
    return errors.Problem("/", "invalid", text)


def _insert(person: Operator) -> None:
    try:
        with transaction.atomic():
            person.save(force_insert=True)
    except IntegrityError:
        raise NameTaken(f"An operator is already called {person.username}.") from None


def enrol_second_factor(*, operator: Operator, tenant: Tenant, actor: Actor) -> str:
    """Give the operator a new one-time code secret and return it, this once."""
    with transaction.atomic():
        secret = keep_new_secret(operator=operator)
        audit.record(
            actor=actor, tenant=tenant, action="operator.enrol_second_factor", subject=operator
        )
    return secret


def keep_new_secret(*, operator: Operator) -> str:
    """Seal a new secret on her row; the caller's transaction tells of it."""
    secret = totp.new_secret()
    operator.otp_secret = keyring.encrypt(secret.encode())
    operator.otp_last_step = 0
    operator.save(update_fields=["otp_secret", "otp_last_step"])
    return secret


def passes_second_factor(*, operator: Operator, code: str) -> bool:
    """Use up a one-time code. Who has no secret passes only where no second factor is due."""
    if not operator.otp_secret:
        return not settings.SECOND_FACTOR_REQUIRED
    with transaction.atomic():
        locked = Operator.objects.select_for_update().get(pk=operator.pk)
        secret = keyring.decrypt(locked.otp_secret).decode()
        step = totp.matching_step(secret, code, now=time.time(), after=locked.otp_last_step)
        if step is not None:
            locked.otp_last_step = step
            locked.save(update_fields=["otp_last_step"])
    return step is not None


def use_attempt_at(username: str) -> None:
    """Count an attempt at the name, from whatever address and whether or not anybody has it."""
    # Hashed, for what is typed as a name may be a password.
    use_attempt(by=f"name {hashlib.sha256(username.lower().encode()).hexdigest()}")


def use_attempt(*, by: str) -> None:
    """Use one sign-in of an allowance: an address's or a name's."""
    verdict = limits.take("sign_in", by)
    if verdict and not verdict.is_allowed:
        metrics.RATE_LIMITED.labels(route_class="sign_in").inc()
        raise errors.RateLimited(retry_after_s=verdict.retry_after_s)


def sign_in(*, username: str, password: str, otp: str, tenant_slug: str) -> Pair:
    """Exchange an operator's credentials for an access and a refresh token of one tenant."""
    use_attempt_at(username)
    person = authenticate(username=username, password=password)
    membership = None
    if isinstance(person, Operator):
        rows = person.memberships.select_related("tenant")
        membership = rows.filter(tenant__slug=tenant_slug).first()
    if membership is None or not isinstance(person, Operator) or person.must_change_password:
        raise _refused("sign_in")
    if not passes_second_factor(operator=person, code=otp):
        raise _refused("second_factor")
    refresh = RefreshToken.for_user(person)
    refresh["tenant_id"] = str(membership.tenant.uuid)
    refresh["mark"] = person.get_session_auth_hash()
    Operator.objects.filter(pk=person.pk).update(last_login=timezone.now())
    return Pair(str(refresh.access_token), str(refresh))


def renew(*, refresh: str) -> Pair:
    """Exchange a refresh token for a new pair; the old one is spent, once, whoever else asks."""
    try:
        tokens.read(refresh)
        token = RefreshToken(cast(Token, refresh))
        with transaction.atomic():
            rows = OutstandingToken.objects.select_for_update()
            rows.get(jti=token["jti"])
            token.check_blacklist()
            token.blacklist()
            return _successor(token)
    except (tokens.Malformed, TokenError, OutstandingToken.DoesNotExist, KeyError):
        raise _refused("refresh") from None


def _successor(token: RefreshToken) -> Pair:
    members = Operator.objects.filter(memberships__tenant__uuid=token["tenant_id"])
    person = members.filter(pk=token["sub"], is_active=True).first()
    if person is None or token["mark"] != person.get_session_auth_hash():
        raise _refused("refresh")
    fresh = RefreshToken.for_user(person)
    fresh["tenant_id"], fresh["mark"] = token["tenant_id"], token["mark"]
    return Pair(str(fresh.access_token), str(fresh))


def _refused(reason: str) -> SignInRefused:
    metrics.AUTH_FAILURES.labels(reason=reason).inc()
    return SignInRefused()
