"""Bodies that are no batch at `/v1/epochs:ingest`: no JSON, too large, badly compressed."""

import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from noctis.http import MAX_BODY_BYTES
from recordings.models import Recording
from tests.factories import TenantFactory
from tests.recordings.gateway import CANARY, Gateway, check_nothing_happened, problems
from tests.recordings.nights import body, features, night_of

pytestmark = pytest.mark.django_db
Make = Callable[[Recording], Any]


@pytest.fixture
def recording() -> Recording:
    return night_of(TenantFactory())


@pytest.fixture
def gateway(recording: Recording) -> Gateway:
    return Gateway(recording.tenant)


def good(recording: Recording) -> bytes:
    return json.dumps(body(recording, features(3, gaps=0))).encode()


def spelt(token: bytes) -> Make:
    """A good body with its first epoch's first number spelt otherwise."""
    return lambda recording: re.sub(
        rb'"features": \[[^,]+', b'"features": [' + token, good(recording), count=1
    )


def truncated(recording: Recording) -> bytes:
    return gzip.compress(good(recording))[:-9]


UNREADABLE: dict[str, tuple[Make, dict[str, str], int, str]] = {
    "NaN": (spelt(b"NaN"), {}, 400, "bad_request"),
    "Infinity": (spelt(b"-Infinity"), {}, 400, "bad_request"),
    "NaN after a fault": (
        lambda r: good(r).replace(b'"recording_id": "', b'"recording_id": 5, "x": NaN, "y": "'),
        {},
        400,
        "bad_request",
    ),
    "not JSON": (lambda _: CANARY.encode(), {}, 400, "bad_request"),
    "blanks": (lambda _: b"  ", {}, 400, "bad_request"),
    "two bodies": (lambda r: good(r) + good(r), {}, 400, "bad_request"),
    "deep nesting": (lambda _: b'{"epochs":' + b"[" * 100_000, {}, 400, "bad_request"),
    "deep after a fault": (
        lambda _: b'{"recording_id":5,"epochs":' + b"[" * 100_000,
        {},
        400,
        "bad_request",
    ),
    "UTF-16": (lambda r: good(r).decode().encode("utf-16"), {}, 400, "bad_request"),
    "Latin-1": (lambda _: '{"recording_id": "é"}'.encode("latin-1"), {}, 400, "bad_request"),
    "half a surrogate": (lambda _: b'{"recording_id": "\\ud800"}', {}, 400, "bad_request"),
    "half a surrogate's name": (lambda _: b'{"x": 1, "\\ud800": 2}', {}, 400, "bad_request"),
    "a byte order mark": (lambda r: b"\xef\xbb\xbf" + good(r), {}, 400, "bad_request"),
    "6 MB": (lambda _: b" " * 6_000_000, {}, 413, "payload_too_large"),
    "truncated gzip": (truncated, {"Content-Encoding": "gzip"}, 400, "bad_request"),
    "gzip with a tail": (
        lambda r: gzip.compress(good(r)) + b"tail",
        {"Content-Encoding": "gzip"},
        400,
        "bad_request",
    ),
    "gzip twice in a row": (
        lambda r: gzip.compress(good(r)) * 2,
        {"Content-Encoding": "gzip"},
        400,
        "bad_request",
    ),
    "a gzip bomb": (
        lambda _: gzip.compress(b" " * 60_000_000),
        {"Content-Encoding": "gzip"},
        413,
        "payload_too_large",
    ),
    "no gzip at all": (good, {"Content-Encoding": "gzip"}, 400, "bad_request"),
    "another encoding": (good, {"Content-Encoding": "br"}, 415, "unsupported_media_type"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_body_that_cannot_be_read_is_refused(
    gateway: Gateway, recording: Recording, name: str
) -> None:
    make, headers, status, code = UNREADABLE[name]

    answer = gateway.ingest(make(recording), **headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    check_nothing_happened(answer, recording)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_media_type_is_refused(
    gateway: Gateway, recording: Recording, media_type: str
) -> None:
    answer = gateway.ingest(good(recording), content_type=media_type)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    check_nothing_happened(answer, recording)


def test_a_number_that_no_float_holds_is_named(gateway: Gateway, recording: Recording) -> None:
    answer = gateway.ingest(spelt(b"1e999")(recording))

    assert answer.status_code == 422
    assert problems(answer) == [("/epochs/0/features/0", "invalid")]
    check_nothing_happened(answer, recording)


def test_a_body_of_nothing_but_typos_keeps_no_worker_busy(
    gateway: Gateway, recording: Recording
) -> None:
    typos = b"{" + b",".join(b'"%d":0' % number for number in range(400_000)) + b"}"
    assert len(typos) < MAX_BODY_BYTES

    answer = gateway.ingest(typos)

    assert answer.json()["detail"] == "50000 problems, the first 50 listed."
    check_nothing_happened(answer, recording)
