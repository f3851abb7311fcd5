"""simplejwt's machinery for one key row: what signs for a client and what verifies its tokens."""

from typing import Any

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend

from noctis import keyring
from tenants.models import ServiceClientKey

ISSUER = "noctis"
AUDIENCE = "noctis-services"


class KeyBackend(TokenBackend):
    """simplejwt's machinery for one key row."""

    def encode_for(self, kid: str, claims: dict[str, Any]) -> str:
        """simplejwt's own `encode` cannot name a key in the header."""
        named = claims | {"iss": self.issuer, "aud": self.audience}
        key = self.prepared_signing_key
        return jwt.encode(named, key, algorithm=self.algorithm, headers={"kid": kid})


def backend_for(row: ServiceClientKey) -> KeyBackend:
    """The algorithm is the row's, whatever a token says."""
    is_shared = row.algorithm == ServiceClientKey.Algorithm.HS256
    return KeyBackend(
        algorithm=row.algorithm,
        signing_key=keyring.decrypt(row.material).decode() if is_shared else None,
        verifying_key="" if is_shared else row.material,
        audience=AUDIENCE,
        issuer=ISSUER,
        leeway=settings.JWT_LEEWAY_SECONDS,
    )
