"""One-time codes by RFC 6238, in the form that every authenticator speaks. Pure."""

import base64
import hashlib
import hmac
import secrets
import struct
from urllib.parse import quote

STEP_S = 30
DRIFT_STEPS = 1


def new_secret() -> str:
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(secret: str, step: int) -> str:
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1)
    offset = digest[-1] & 0x0F
    (number,) = struct.unpack(">I", digest[offset : offset + 4])
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06d}"


def matching_step(secret: str, code: str, *, now: float, after: int) -> int | None:
    """The step whose code this is, one step of drift either way; a used step is not used again."""
    current = int(now) // STEP_S
    for step in range(max(current - DRIFT_STEPS, after + 1), current + DRIFT_STEPS + 1):
        expected = code_at(secret, step).encode()
        if hmac.compare_digest(expected, code.encode(errors="replace")):
            return step
    return None


def enrolment_uri(secret: str, *, account: str) -> str:
    """What an authenticator's camera reads."""
    return f"otpauth://totp/{quote(f'Noctis:{account}')}?secret={secret}&issuer=Noctis"
