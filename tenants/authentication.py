"""The bearer token of a client or an operator: verified whole, or refused without telling why."""

import time
from typing import Any, cast

import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import (
    ExpiredTokenError,
    TokenBackendError,
    TokenBackendExpiredToken,
    TokenError,
)
from rest_framework_simplejwt.tokens import AccessToken, Token

from noctis import context, errors, metrics
from tenants import tokens
from tenants.callers import Caller
from tenants.keycache import KEYS, KnownKey
from tenants.models import Membership
from tenants.roles import API_ROLES, ConsoleRole
from tenants.verified import TOKENS

log = structlog.get_logger(__name__)


class BearerAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Caller, str] | None:
        text = bearer_token(request)
        if text is None:
            return None
        try:
            caller = TOKENS.caller_of(text) or verified(text)
        except tokens.Malformed as error:
            raise _refused(str(error), error.kid) from None
        context.called_by(str(caller.tenant.uuid), caller.identity)
        return caller, text

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="noctis"'


def verified(text: str) -> Caller:
    """Whoever signed this, after every check there is."""
    token = tokens.read(text)
    return operator(token) if token.kid is None else service_client(token, token.kid)


def bearer_token(request: Request) -> str | None:
    scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if not scheme:
        return None
    if scheme.lower() != "bearer" or not text.strip():
        raise _refused("scheme")
    return str(text.strip())


def service_client(token: tokens.Unverified, kid: str) -> Caller:
    """Signature first, by the key that the kid names, then every claim against that key's owner."""
    key = KEYS.get(kid)
    if key is None:
        raise tokens.Malformed("unknown_kid")
    try:
        return _signed_by(key, token, kid)
    except tokens.Malformed as error:
        error.kid = kid
        raise


def _signed_by(key: KnownKey, token: tokens.Unverified, kid: str) -> Caller:
    if token.algorithm != key.algorithm:
        raise tokens.Malformed("algorithm")
    tokens.check_claims(
        token.claims,
        now=time.time(),
        max_ttl_s=settings.JWT_MAX_TTL_SECONDS,
        leeway_s=settings.JWT_LEEWAY_SECONDS,
    )
    claims = _verified(token, key, kid)
    at = timezone.now()
    if key.has_ended(at):
        raise tokens.Malformed("key_ended")
    if claims["sub"] != key.subject:
        raise tokens.Malformed("sub")
    if claims["tenant_id"] != key.tenant_uuid:
        raise tokens.Malformed("tenant")
    key.note_use(at)
    TOKENS.keep(token.text, kid, key, claims["exp"])
    return key.caller


def _verified(token: tokens.Unverified, key: KnownKey, kid: str) -> dict[str, Any]:
    try:
        return key.backend.decode(cast(Token, token.text))
    except TokenBackendExpiredToken:
        raise _expired(kid) from None
    except TokenBackendError:
        raise tokens.Malformed("signature_or_claims") from None


def operator(token: tokens.Unverified) -> Caller:
    """simplejwt's own access token; what the operator may do is read anew from her membership."""
    try:
        claims = AccessToken(cast(Token, token.text)).payload
    except ExpiredTokenError:
        raise _expired() from None
    except TokenError:
        raise tokens.Malformed("operator_token") from None
    return operator_caller(claims)


def operator_caller(claims: dict[str, Any]) -> Caller:
    rows = Membership.objects.select_related("operator", "tenant")
    rows = rows.filter(operator=claims["sub"], operator__is_active=True)
    membership = rows.filter(tenant__uuid=claims.get("tenant_id", "")).first()
    if membership is None:
        raise tokens.Malformed("membership")
    person = membership.operator
    if not constant_time_compare(str(claims.get("mark")), person.get_session_auth_hash()):
        raise tokens.Malformed("password_changed")
    return Caller(
        identity=f"operator:{person.pk}",
        name=person.username,
        kind="operator",
        role=API_ROLES[ConsoleRole(membership.role)].value,
        tenant=membership.tenant,
        capabilities=membership.capabilities,
    )


def _refused(reason: str, kid: str | None = None) -> errors.Unauthenticated:
    _note(reason, kid)
    return errors.Unauthenticated()


def _expired(kid: str | None = None) -> errors.ExpiredToken:
    _note("expired", kid)
    return errors.ExpiredToken()


def _note(reason: str, kid: str | None) -> None:
    metrics.AUTH_FAILURES.labels(reason=reason).inc()
    log.warning("authentication_failed", reason=reason, kid=kid)
