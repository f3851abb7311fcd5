"""Reading a token without believing it: what is taken apart, what each refusal is counted as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants import tokens
from tests.tokens import Signatory, segment

NOW = 1_800_000_000
WHO = Signatory("k_1", "HS256", "a-secret-of-thirty-two-bytes-or-more", "sub", "tenant")
CLAIMS = {"sub": "s", "tenant_id": "t", "iss": "i", "aud": "a", "exp": NOW + 60}


def check(**changes: object) -> None:
    tokens.check_claims(CLAIMS | changes, now=NOW, max_ttl_s=86_400, leeway_s=30)


def test_a_token_is_taken_apart_as_it_was_sent() -> None:
    text = WHO.token(note="x")

    read = tokens.read(text)

    assert (read.text, read.algorithm, read.kid) == (text, "HS256", "k_1")
    assert read.claims["note"] == "x"


def test_a_token_without_a_kid_is_readable() -> None:
    read = tokens.read(WHO.sealed({"alg": "HS256"}, {}))

    assert read.kid is None


REASONS = {
    "oversized": "x" * 4097,
    "segments": "a.b",
    "base64": "a+b=.e30.AAAA",
    "json": segment(b"nonsense") + ".e30.AAAA",
    "header_member": f"{segment({'alg': 'HS256', 'jku': 'x'})}.e30.AAAA",
    "header": f"{segment({'alg': None})}.e30.AAAA",
    "kid": f"{segment({'alg': 'HS256', 'kid': 'k 1'})}.e30.AAAA",
    "duplicate_member": segment(b'{"alg": "a", "alg": "b"}') + ".e30.AAAA",
    "nested": segment(b"[" * 33) + ".e30.AAAA",
}


@pytest.mark.parametrize(("reason", "text"), REASONS.items(), ids=REASONS)
def test_a_malformed_token_is_counted_by_its_reason(reason: str, text: str) -> None:
    with pytest.raises(tokens.Malformed, match=f"^{reason}$"):
        tokens.read(text)


def test_a_token_of_the_greatest_size_is_read() -> None:
    base = len(WHO.token(note=""))
    room = (tokens.MAX_TOKEN_BYTES - base) * 3 // 4

    read = tokens.read(WHO.token(note="x" * room))

    assert len(read.text) >= tokens.MAX_TOKEN_BYTES - 4


@given(st.text(max_size=200))
def test_whatever_is_sent_is_read_or_malformed(text: str) -> None:
    try:
        read = tokens.read(text)
    except tokens.Malformed:
        return
    assert read.text == text


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_whatever_the_segments_hold_is_read_or_malformed(header: bytes, claims: bytes) -> None:
    text = WHO.sealed(header, claims)

    try:
        read = tokens.read(text)
    except tokens.Malformed:
        return
    assert isinstance(read.claims, dict)


def test_claims_that_hold_raise_nothing() -> None:
    check(nbf=NOW, iat=NOW - 5.5, exp=NOW + 86_430)


@pytest.mark.parametrize("name", ["sub", "tenant_id", "iss", "aud", "exp"])
def test_every_claim_is_required(name: str) -> None:
    claims = {key: value for key, value in CLAIMS.items() if key != name}

    with pytest.raises(tokens.Malformed, match=f"^missing_{name}$"):
        tokens.check_claims(claims, now=NOW, max_ttl_s=86_400, leeway_s=30)


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(
    "value", [True, None, "1", [], -1, 2**40, 10**400, float("inf"), float("nan")]
)
def test_an_instant_is_a_plain_number_of_seconds(name: str, value: object) -> None:
    with pytest.raises(tokens.Malformed, match=f"^{name}$"):
        check(**{name: value})


def test_an_end_beyond_the_longest_life_is_refused() -> None:
    with pytest.raises(tokens.Malformed, match=r"^distant_exp$"):
        check(exp=NOW + 86_431)
