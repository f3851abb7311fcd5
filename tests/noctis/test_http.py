"""Bodies in and problems out, by a view that answers what it has read."""

import gzip
import json
import zlib
from typing import Any, ClassVar

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from django.test import Client
from rest_framework import exceptions as drf
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from noctis import context, errors, http

MIB = 1024 * 1024


class Echo(APIView):
    authentication_classes: ClassVar[list[Any]] = []
    permission_classes: ClassVar[list[Any]] = []
    throttle_classes: ClassVar[list[Any]] = []
    raised: ClassVar[Exception | None] = None

    def post(self, request: Request) -> Response:
        if self.raised:
            raise self.raised
        return Response({"read": request.data})


def post(body: bytes, *, content_type: str = "application/json", **headers: str) -> Response:
    request = APIRequestFactory().generic("POST", "/echo", body, content_type, headers=headers)
    response: Response = Echo.as_view()(request)
    return response.render()


def zipped(body: bytes) -> Response:
    return post(body, **{"Content-Encoding": "gzip"})


def answer(response: Response) -> tuple[int, str]:
    """Status and code; whatever is refused is refused in the one shape."""
    assert response["Content-Type"] == "application/problem+json"
    problem = json.loads(response.content)
    assert problem["status"] == response.status_code
    assert problem["instance"] == "/echo"
    return response.status_code, problem["code"]


def padded_to(size: int) -> bytes:
    return b'"' + b"x" * (size - 2) + b'"'


@pytest.mark.parametrize("coding", ["", "identity", "gzip", "GZIP"])
def test_json_is_read_plain_or_zipped(coding: str) -> None:
    body = '{"näme": [1, 2.5, null, true]}'.encode()
    headers = {"Content-Encoding": coding} if coding else {}

    response = post(gzip.compress(body) if coding.lower() == "gzip" else body, **headers)

    assert json.loads(response.content) == {"read": {"näme": [1, 2.5, None, True]}}


def test_no_body_at_all_has_no_fields() -> None:
    assert json.loads(post(b"").content) == {"read": {}}


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": 1}{"a": 1}',
        b'{"a": 1,}',
        b'"\xff\xfe"',
        b'"\\ud800"',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b"[" * 100_000,
    ],
)
def test_what_is_not_json_is_a_bad_request(body: bytes) -> None:
    assert answer(post(body)) == (400, "bad_request")


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1}',
        gzip.compress(b'{"a": 1}')[:-1],
        gzip.compress(b'{"a": 1}')[:5],
        gzip.compress(b'{"a": 1}') + b"tail",
        gzip.compress(b'{"a": 1}') + gzip.compress(b'{"a": 2}'),
        zlib.compress(b'{"a": 1}'),
        gzip.compress(b'{"a": 1}')[:-8] + b"\0" * 8,
        gzip.compress(b'{"a": NaN}'),
    ],
    ids=["plain", "cut", "header", "tail", "two", "zlib", "crc", "nan"],
)
def test_a_damaged_gzip_body_is_a_bad_request(body: bytes) -> None:
    assert answer(zipped(body)) == (400, "bad_request")


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "x-gzip", "nonsense"])
def test_another_coding_is_refused(coding: str) -> None:
    assert answer(post(b"{}", **{"Content-Encoding": coding})) == (415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "x"])
def test_another_media_type_is_refused(content_type: str) -> None:
    assert answer(post(b"{}", content_type=content_type)) == (415, "unsupported_media_type")


def test_a_body_may_have_exactly_the_limit() -> None:
    body = padded_to(http.MAX_BODY_BYTES)

    assert http.MAX_BODY_BYTES == 5 * MIB
    assert post(body).status_code == zipped(gzip.compress(body, 1)).status_code == 200


def test_one_byte_more_than_the_limit_is_too_large() -> None:
    body = padded_to(http.MAX_BODY_BYTES + 1)

    assert answer(post(body)) == (413, "payload_too_large")
    assert answer(zipped(gzip.compress(body, 1))) == (413, "payload_too_large")


def test_a_bomb_is_never_unpacked_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(bytes(200 * MIB), 1)
    asked: list[int] = []
    make = zlib.decompressobj

    class Watched:
        """zlib's own engine; notes how much it was told to unpack at most."""

        def __init__(self, wbits: int) -> None:
            self.engine = make(wbits)

        def decompress(self, raw: bytes, most: int = 0) -> bytes:
            asked.append(most)
            return self.engine.decompress(raw, most)

    monkeypatch.setattr(zlib, "decompressobj", Watched)

    assert answer(zipped(bomb)) == (413, "payload_too_large")
    assert asked == [http.MAX_BODY_BYTES + 1]


def test_nothing_of_what_was_sent_is_echoed() -> None:
    response = post(b'{"name": "sleeper-4711", ')

    assert b"sleeper" not in response.content


class DeviceAway(Exception):
    """A bug's stand-in: nothing knows it."""


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (Http404(), (404, "not_found")),
        (drf.NotFound(), (404, "not_found")),
        (drf.ParseError("said"), (400, "bad_request")),
        (drf.NotAuthenticated(), (401, "missing_token")),
        (drf.AuthenticationFailed(), (401, "invalid_token")),
        (drf.PermissionDenied(), (403, "forbidden")),
        (PermissionDenied(), (403, "forbidden")),
        (SuspiciousOperation(), (400, "bad_request")),
        (OperationalError("password of db"), (503, "db_error")),
        (errors.Conflict("Closed already."), (409, "conflict")),
        (errors.RateLimited(retry_after_s=7), (429, "rate_limited")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_refusal_has_the_one_shape(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, expected: tuple[int, str]
) -> None:
    monkeypatch.setattr(Echo, "raised", raised)

    response = post(b"{}")

    assert answer(response) == expected
    assert (expected[0] == 401) == ("WWW-Authenticate" in response)
    assert (expected[0] in (429, 503)) == ("Retry-After" in response)
    assert b"password" not in response.content


def test_a_method_that_is_not_taken_names_those_that_are() -> None:
    response = Echo.as_view()(APIRequestFactory().delete("/echo")).render()

    assert answer(response) == (405, "method_not_allowed")
    assert response["Allow"] == "POST, OPTIONS"


def test_a_bug_is_not_dressed_up_as_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Echo, "raised", DeviceAway("inner detail"))

    with pytest.raises(DeviceAway):
        post(b"{}")


def test_at_most_fifty_problems_are_listed_and_all_are_counted() -> None:
    problems = [errors.Problem(f"/epochs/{n}", "bad", "wrong") for n in range(60)]

    body = http.problem_body(errors.Invalid(problems=problems), "/v1/epochs:ingest")

    assert len(body["errors"]) == 50
    assert body["detail"] == "60 problems, the first 50 listed."
    assert body["errors"][0] == {"pointer": "/epochs/0", "code": "bad", "detail": "wrong"}


def test_a_problem_names_the_request() -> None:
    context.begin("night-9")

    assert http.problem_body(errors.Missing(), "/v1/x")["request_id"] == "night-9"


@pytest.mark.parametrize("path", ["/v1/nothing", "/nothing", "/v1/clients/"])
def test_an_unknown_path_has_the_one_shape_too(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "not_found"
    assert response.json()["request_id"] == response["X-Request-Id"]


def test_a_body_of_unknown_length_is_not_taken_for_an_empty_one(client: Client) -> None:
    answer = client.post(
        "/v1/auth/token",
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
        CONTENT_LENGTH="",
    )

    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")
