"""What a signing key must be: wrong curves, weak keys, private ones and rubbish are named."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519

from tenants import keys
from tests import tokens

PUBLIC = serialization.PublicFormat.SubjectPublicKeyInfo
PEM = serialization.Encoding.PEM


def public_pem(private: object) -> str:
    return private.public_key().public_bytes(PEM, PUBLIC).decode()


def private_pem(algorithm: str) -> str:
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return tokens.private_key(algorithm).private_bytes(PEM, form, plain).decode()


WRONG = {
    "P-384": ("ES256", public_pem(ec.generate_private_key(ec.SECP384R1())), "P-256"),
    "secp256k1": ("ES256", public_pem(ec.generate_private_key(ec.SECP256K1())), "P-256"),
    "Ed448": ("EdDSA", public_pem(ed448.Ed448PrivateKey.generate()), "Ed25519"),
    "X25519": ("EdDSA", public_pem(x25519.X25519PrivateKey.generate()), "Ed25519"),
    "short RSA": ("RS256", public_pem(rsa.generate_private_key(65_537, 1024)), "2048 to 8192 bits"),
    "DSA": ("RS256", public_pem(dsa.generate_private_key(1024)), "RSA key"),
    "RSA for EdDSA": ("EdDSA", tokens.public_pem("RS256"), "Ed25519"),
    "EdDSA for RSA": ("RS256", tokens.public_pem("EdDSA"), "RSA key"),
    "HS256": ("HS256", tokens.public_pem("EdDSA"), "takes no public key"),
    "an unknown algorithm": ("none", tokens.public_pem("EdDSA"), "takes no public key"),
    "a private key": ("EdDSA", private_pem("EdDSA"), "private key"),
    "both keys": ("EdDSA", tokens.public_pem("EdDSA") + private_pem("EdDSA"), "private key"),
    "rubbish": ("EdDSA", "rubbish", "in PEM form"),
    "nothing": ("EdDSA", "", "in PEM form"),
    "half a key": ("EdDSA", tokens.public_pem("EdDSA")[:-40], "in PEM form"),
    "a lone surrogate": ("EdDSA", "\ud800", "in PEM form"),
    "more than a key": ("EdDSA", "x" * 100_000 + tokens.public_pem("EdDSA"), "in PEM form"),
}


@pytest.mark.parametrize(("algorithm", "pem", "why"), WRONG.values(), ids=WRONG.keys())
def test_a_key_that_does_not_fit_is_refused_by_name(algorithm: str, pem: str, why: str) -> None:
    with pytest.raises(keys.UnusableKey, match=why):
        keys.normalised_public_key(algorithm, pem)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_a_fitting_key_is_kept_in_one_spelling(algorithm: str) -> None:
    pem = tokens.public_pem(algorithm)
    spelt_otherwise = "a comment\n" + pem.replace("\n", "\r\n")

    kept = [keys.normalised_public_key(algorithm, given) for given in (pem, spelt_otherwise)]

    assert kept == [pem, pem]


def test_secrets_and_names_are_long_and_never_the_same() -> None:
    made = {keys.new_secret() for _ in range(100)} | {keys.new_kid() for _ in range(100)}

    assert len(made) == 200
    assert min(len(keys.new_secret()) for _ in range(100)) == 64
    assert len(keys.new_kid()) <= 40
