"""Reading a token before anything in it is believed: one strict form, the rest refused. Pure."""

import base64
import binascii
import json
import math
import re
from dataclasses import dataclass
from typing import Any

MAX_TOKEN_BYTES = 4096
MAX_CONTAINERS = 32
KID = re.compile(r"[A-Za-z0-9_-]{1,40}")
# `jku`, `jwk`, `x5u`, `crit` and the like would let a token choose its own key: none is known here.
HEADER_MEMBERS = frozenset({"alg", "kid", "typ"})
REQUIRED_CLAIMS = ("sub", "tenant_id", "iss", "aud", "exp")
INSTANT_CLAIMS = ("exp", "nbf", "iat")


class Malformed(ValueError):
    """The reason, for the log and the counter; a caller is never told."""

    # Of the key that is ours, where the token names one: the log says whose client it is.
    kid: str | None = None


@dataclass(frozen=True)
class Unverified:
    """A token's parts as they were sent; nothing here is true before the signature is checked."""

    text: str
    algorithm: str
    kid: str | None
    claims: dict[str, Any]


def read(text: str) -> Unverified:
    """Take a compact JWS apart; anything out of the ordinary is malformed."""
    if len(text) > MAX_TOKEN_BYTES:
        raise Malformed("oversized")
    segments = text.split(".")
    if len(segments) != 3 or not all(segments):
        raise Malformed("segments")
    header, claims = _object(segments[0]), _object(segments[1])
    _decoded(segments[2])
    if not header.keys() <= HEADER_MEMBERS:
        raise Malformed("header_member")
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or header.get("typ", "JWT") != "JWT":
        raise Malformed("header")
    if "kid" in header and not (isinstance(kid, str) and KID.fullmatch(kid)):
        raise Malformed("kid")
    return Unverified(text, algorithm, kid, claims)


def check_claims(claims: dict[str, Any], *, now: float, max_ttl_s: int, leeway_s: int) -> None:
    """The shapes that a verifier would otherwise coerce, and the longest life a token may have."""
    for name in REQUIRED_CLAIMS:
        if name not in claims:
            raise Malformed(f"missing_{name}")
    for name in INSTANT_CLAIMS:
        if name in claims and not _is_instant(claims[name]):
            raise Malformed(name)
    for name in ("sub", "tenant_id", "iss", "aud"):
        if not isinstance(claims[name], str):
            raise Malformed(name)
    if claims["exp"] > now + max_ttl_s + leeway_s:
        raise Malformed("distant_exp")


def _is_instant(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < 2**40 and math.isfinite(value)


def _decoded(segment: str) -> bytes:
    """Base64url without padding, in its one canonical spelling."""
    try:
        padded = segment + "=" * (-len(segment) % 4)
        raw = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise Malformed("base64") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != segment.encode():
        raise Malformed("base64")
    return raw


def _object(segment: str) -> dict[str, Any]:
    raw = _decoded(segment)
    # Bounds the depth: how deep a parser may go depends on who calls it, and deeper is a crash.
    if raw.count(b"[") + raw.count(b"{") > MAX_CONTAINERS:
        raise Malformed("nested")
    try:
        # As text, for the parser would guess UTF-16 and UTF-32 from bytes.
        text = raw.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unrepeated, parse_constant=_refuse_constant)
    except Malformed:
        raise
    except ValueError:
        raise Malformed("json") from None
    if not isinstance(value, dict):
        raise Malformed("json")
    return value


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("duplicate_member")
    return members


def _refuse_constant(name: str) -> float:
    raise Malformed("json")
