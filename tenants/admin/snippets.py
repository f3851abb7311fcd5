"""What a person copies to call with a client's key: Python that signs, curl that asks."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants import signing
from tenants.models import ServiceClient, ServiceClientKey

PYTHON = """import os, time, jwt  # pip install pyjwt[crypto]

now = int(time.time())
claims = {{
    "iss": "{issuer}",
    "aud": "{audience}",
    "sub": "{client}",
    "tenant_id": "{tenant}",
    "iat": now,
    "exp": now + 3600,
}}
print(jwt.encode(claims, os.environ["NOCTIS_SECRET"], "{algorithm}", headers={{"kid": "{kid}"}}))
"""
CURL = """TOKEN=$(python token.py)
curl -s "$NOCTIS_URL/v1/whoami" -H "Authorization: Bearer $TOKEN"
"""


def of(client: ServiceClient, key: ServiceClientKey) -> SafeString:
    """`NOCTIS_SECRET` is the secret that was shown once, or the client's own private key."""
    python = PYTHON.format(
        issuer=signing.ISSUER,
        audience=signing.AUDIENCE,
        client=client.uuid,
        tenant=client.tenant.uuid,
        algorithm=key.algorithm,
        kid=key.kid,
    )
    return format_html(
        '<p class="help">token.py</p><pre class="copyable" tabindex="0">{}</pre>'
        '<p class="help">curl</p><pre class="copyable" tabindex="0">{}</pre>',
        python,
        CURL,
    )
