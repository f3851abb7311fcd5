"""Tokens made on a client's behalf, for scripts; needs a secret that the platform holds."""

import time

from django.conf import settings
from django.utils import timezone

from noctis import errors
from tenants.models import ServiceClient, ServiceClientKey
from tenants.signing import backend_for


class NoSecretHeld(errors.Conflict):
    row = errors.registered(
        "no_secret_held",
        409,
        "The platform holds no secret of this client",
        "Its keys are public ones, so only the client itself can sign.",
        "Sign with the client's private key, or rotate to HS256.",
    )


def mint_token(*, client: ServiceClient, ttl_s: int) -> str:
    """Sign a token with the client's newest HS256 key that is accepted."""
    if not 0 < ttl_s <= settings.JWT_MAX_TTL_SECONDS:
        detail = f"1 to {settings.JWT_MAX_TTL_SECONDS} seconds"
        raise errors.Invalid(problems=[errors.Problem("/ttl", "out_of_range", detail)])
    held = client.keys.filter(algorithm=ServiceClientKey.Algorithm.HS256)
    key = held.accepted(timezone.now()).order_by("-created_at", "-pk").first()
    if key is None:
        raise NoSecretHeld
    now = int(time.time())
    claims = {
        "sub": str(client.uuid),
        "tenant_id": str(client.tenant.uuid),
        "iat": now,
        "exp": now + ttl_s,
    }
    return backend_for(key).encode_for(key.kid, claims)
