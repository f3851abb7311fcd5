"""Tokens made by hand, without the platform's code: any algorithm, header, claims, bytes."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Members = dict[str, object]
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def segment(value: object) -> str:
    return b64(value if isinstance(value, bytes) else json.dumps(value).encode())


@cache
def private_key(algorithm: str) -> PrivateKey:
    """One key pair an algorithm for the whole run: making an RSA key takes a while."""
    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def public_pem(algorithm: str) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = private_key(algorithm).public_key()
    return public.public_bytes(serialization.Encoding.PEM, form).decode()


def hs(algorithm: str, secret: str, message: bytes) -> bytes:
    return hmac.digest(secret.encode(), message, HASHES[algorithm])


def rs256(message: bytes) -> bytes:
    return private_key("RS256").sign(message, padding.PKCS1v15(), hashes.SHA256())


def es256_der(message: bytes) -> bytes:
    return private_key("ES256").sign(message, ec.ECDSA(hashes.SHA256()))


def es256(message: bytes) -> bytes:
    r, s = decode_dss_signature(es256_der(message))
    return r.to_bytes(32) + s.to_bytes(32)


def eddsa(message: bytes) -> bytes:
    return private_key("EdDSA").sign(message)


SIGNERS: dict[str, Callable[[bytes], bytes]] = {"RS256": rs256, "ES256": es256, "EdDSA": eddsa}


@dataclass(frozen=True)
class Signatory:
    """A service client's key with all that is needed to sign as it, rightly or wrongly."""

    kid: str
    algorithm: str
    secret: str | None
    subject: str
    tenant: str

    def signature(self, message: bytes) -> bytes:
        if self.secret is None:
            return SIGNERS[self.algorithm](message)
        return hs(self.algorithm, self.secret, message)

    def header(self, **changes: object) -> Members:
        return {"alg": self.algorithm, "typ": "JWT", "kid": self.kid} | changes

    def claims(self, **changes: object) -> Members:
        return {
            "sub": self.subject,
            "tenant_id": self.tenant,
            "iss": "noctis",
            "aud": "noctis-services",
            "exp": int(time.time()) + 600,
        } | changes

    def token(self, **changes: object) -> str:
        """A token that is right but for the claims named."""
        return self.sealed(self.header(), self.claims(**changes))

    def headed(self, **changes: object) -> str:
        """A token that is right but for the header members named."""
        return self.sealed(self.header(**changes), self.claims())

    def sealed(self, header: object, claims: object) -> str:
        """Properly signed, whatever is in it; bytes go in as they are."""
        return self.signed(segment(header), segment(claims))

    def signed(self, header: str, claims: str) -> str:
        """The same for segments that are already spelt."""
        message = f"{header}.{claims}"
        return f"{message}.{b64(self.signature(message.encode()))}"


def without(members: Members, name: str) -> Members:
    return {key: value for key, value in members.items() if key != name}
