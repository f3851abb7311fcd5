"""One-time codes against the vectors of RFC 6238, appendix B, and the rules of their use."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from tenants import totp

SECRET = base64.b32encode(b"12345678901234567890").decode()
# The RFC prints eight digits; six are their end.
VECTORS = {
    59: "94287082",
    1_111_111_109: "07081804",
    1_111_111_111: "14050471",
    1_234_567_890: "89005924",
    2_000_000_000: "69279037",
    20_000_000_000: "65353130",
}


@pytest.mark.parametrize(("at", "code"), VECTORS.items())
def test_codes_are_those_of_the_rfc(at: int, code: str) -> None:
    assert totp.code_at(SECRET, at // totp.STEP_S) == code[-6:]


@pytest.mark.parametrize(("drift", "is_accepted"), [(-2, 0), (-1, 1), (0, 1), (1, 1), (2, 0)])
def test_one_step_of_drift_either_way_is_forgiven(drift: int, is_accepted: int) -> None:
    step = 41_152_263
    code = totp.code_at(SECRET, step + drift)

    found = totp.matching_step(SECRET, code, now=step * 30 + 29.9, after=0)

    assert found == (step + drift if is_accepted else None)


def test_a_code_is_used_once_and_so_is_every_one_before_it() -> None:
    step = 41_152_263
    earlier, current, later = (totp.code_at(SECRET, step + drift) for drift in (-1, 0, 1))

    found = [
        totp.matching_step(SECRET, code, now=step * 30, after=step)
        for code in (earlier, current, later)
    ]

    assert found == [None, None, step + 1]


@pytest.mark.parametrize(
    "code", ["", "28708", "287 082", "2870820", "٢٨٧٠٨٢", "\ud800", "28708\x00"]
)
def test_what_is_no_code_is_refused_and_breaks_nothing(code: str) -> None:
    assert totp.matching_step(SECRET, code, now=59, after=0) is None


def test_in_the_first_half_minute_of_all_there_is_no_step_before() -> None:
    assert totp.matching_step(SECRET, totp.code_at(SECRET, 1), now=0, after=0) == 1


def test_an_authenticator_reads_secret_account_and_issuer() -> None:
    uri = urlsplit(totp.enrolment_uri(SECRET, account="ada & bob"))

    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/Noctis%3Aada%20%26%20bob")
    assert parse_qs(uri.query) == {"secret": [SECRET], "issuer": ["Noctis"]}


def test_a_secret_has_the_twenty_bytes_of_its_hash() -> None:
    made = [totp.new_secret() for _ in range(20)]

    assert len(set(made)) == 20
    assert {len(base64.b32decode(secret)) for secret in made} == {20}
