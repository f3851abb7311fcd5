"""Make the signed manifest of an image, as docs/PROTOCOL.md lays it out. Needs `cryptography`."""

import argparse
import hashlib
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

SIGNED_BYTES, NAME_BYTES, KEY_ID_BYTES, HALF = 128, 16, 8, 32


@dataclass(frozen=True)
class Release:
    product: str
    hardware: tuple[int, int]  # the first and the last revision that it runs on
    version: int
    counter: int
    key_id: str


def unsigned(release: Release, image: bytes) -> bytes:
    """The 128 bytes that are signed."""
    product, key_id = release.product.encode(), release.key_id.encode()
    if len(product) >= NAME_BYTES or len(key_id) != KEY_ID_BYTES:
        raise SystemExit("a product has at most 15 bytes, a key id exactly 8")
    numbers = (*release.hardware, 0, release.version, release.counter, len(image))
    head = b"NOTA" + struct.pack("<HHHHIII", 1, *numbers)
    body = head + product.ljust(NAME_BYTES, b"\0") + hashlib.sha256(image).digest() + key_id
    return body.ljust(SIGNED_BYTES, b"\0")


def signed(body: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """With r and s behind it, 32 bytes each."""
    digest = hashlib.sha256(body).digest()
    r, s = decode_dss_signature(key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256()))))
    return body + r.to_bytes(HALF, "big") + s.to_bytes(HALF, "big")


def main() -> int:
    words = argparse.ArgumentParser(prog="sign_ota")
    words.add_argument("image", type=Path)
    words.add_argument("--key", type=Path, required=True, help="the release key, P-256 PEM")
    words.add_argument("--key-id", required=True)
    words.add_argument("--product", default="noctis-bedside")
    words.add_argument("--hardware", type=int, nargs=2, default=(1, 1), metavar=("FROM", "TO"))
    words.add_argument("--version", type=int, required=True)
    words.add_argument("--counter", type=int, required=True, help="only ever grows")
    words.add_argument("--out", type=Path, required=True)
    asked = words.parse_args()
    key = serialization.load_pem_private_key(asked.key.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SystemExit("the release key is a P-256 key")
    release = Release(
        asked.product, tuple(asked.hardware), asked.version, asked.counter, asked.key_id
    )
    asked.out.write_bytes(signed(unsigned(release, asked.image.read_bytes()), key))
    sys.stdout.write(f"{asked.out}: version {asked.version}, counter {asked.counter}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
