"""What a signing key must be: algorithms, strengths, and the PEM of a public one. Pure."""

import secrets

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
MAX_PEM_BYTES = 4096


class UnusableKey(ValueError):
    """Says why a public key cannot verify tokens."""


def new_kid() -> str:
    return f"k_{secrets.token_urlsafe(12)}"


def new_secret() -> str:
    """48 random bytes; HS256 asks for at least 32."""
    return secrets.token_urlsafe(48)


def normalised_public_key(algorithm: str, pem: str) -> str:
    """The key as canonical PEM, if it is a public key that fits the algorithm."""
    if "PRIVATE KEY" in pem:
        raise UnusableKey("this is a private key; keep it, and send the public one")
    try:
        key = serialization.load_pem_public_key(pem.encode()[:MAX_PEM_BYTES])
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKey("expected a public key in PEM form") from None
    if not _fits(algorithm, key):
        raise UnusableKey(_DEMANDS.get(algorithm, "this algorithm takes no public key"))
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


_DEMANDS = {
    "EdDSA": "EdDSA takes an Ed25519 key",
    "ES256": "ES256 takes a P-256 key",
    "RS256": f"RS256 takes an RSA key of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits",
}


def _fits(algorithm: str, key: object) -> bool:
    if algorithm == "EdDSA":
        return isinstance(key, ed25519.Ed25519PublicKey)
    if algorithm == "ES256":
        return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
    if algorithm == "RS256":
        return isinstance(key, rsa.RSAPublicKey) and MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS
    return False
