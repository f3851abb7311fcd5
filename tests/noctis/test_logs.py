"""The log as an operator reads it: one JSON object a line, and nothing in it that is a secret."""

import io
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.test import Client

from noctis import context, logs
from noctis.logs import Formatter
from tests.factories import KeyFactory, signatory

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
PASSWORD = "correct-horse-battery"
FEATURES = [0.123456, 0.654321]


class Log:
    """What the real formatter wrote."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    """The formatter that the settings gave to the root, writing where the test can read."""
    log = Log()
    root = logging.getLogger()
    formatter = next(h.formatter for h in root.handlers if isinstance(h.formatter, Formatter))
    handler = logging.StreamHandler(log.stream)
    handler.setFormatter(formatter)
    root.addHandler(handler)
    yield log
    root.removeHandler(handler)


def test_a_line_is_one_object_with_what_finds_it_again(log: Log) -> None:
    request_id = context.begin("night-7")

    structlog.get_logger("noctis.request").info("request", status=200, text="two\nlines")

    (line,) = log.lines
    assert line["request_id"] == request_id == "night-7"
    assert (line["event"], line["level"], line["logger"]) == ("request", "info", "noctis.request")
    assert line["at"].endswith("Z")
    assert (line["status"], line["text"]) == (200, "two\nlines")


def test_a_request_s_own_line_has_the_same_shape_and_no_secret(log: Log, client: Client) -> None:
    secret = settings.SECRET_KEY[:64]

    client.get("/v1/nowhere", headers={"X-Request-Id": secret})
    client.generic(f"TOKEN={PASSWORD}", "/v1/whoami", headers={"X-Request-Id": "night-9"})

    ours = [line for line in log.lines if line["event"] == "request"]
    assert [line["status"] for line in ours] == [404, 401]
    assert ours[0]["route"] == "unknown"
    assert ours[1].keys() >= {"level", "logger", "at", "method", "ms"}
    assert (ours[1]["request_id"], ours[1]["route"]) == ("night-9", "v1/whoami")
    assert PASSWORD not in log.text


@pytest.mark.django_db
def test_a_line_names_the_caller_of_its_own_request_and_no_earlier_one(
    log: Log, client: Client
) -> None:
    issued = KeyFactory()
    client.get("/v1/whoami", headers={"Authorization": f"Bearer {signatory(issued).token()}"})

    client.get("/v1/whoami")
    structlog.get_logger("between").info("between")

    known, unknown, between = log.lines
    assert (known["status"], unknown["status"], between["event"]) == (200, 401, "between")
    assert known["tenant"] == str(issued.key.tenant.uuid)
    assert known["client"]
    assert not {"tenant", "client"} & (unknown.keys() | between.keys())


def test_lines_within_a_request_name_its_caller_whoever_logs_them(log: Log) -> None:
    context.begin(None)
    context.called_by("heron", "reader")

    structlog.get_logger("ours").info("said")
    logging.getLogger("some.library").warning("said")
    context.begin(None)
    logging.getLogger("some.library").warning("said")

    named = [(line.get("tenant"), line.get("client")) for line in log.lines]
    assert named == [("heron", "reader"), ("heron", "reader"), (None, None)]


def test_a_library_s_line_has_the_same_shape(log: Log) -> None:
    context.begin("night-8")

    logging.getLogger("some.library").warning("%s of %s", 1, 2)

    (line,) = log.lines
    assert (line["event"], line["request_id"], line["level"]) == ("1 of 2", "night-8", "warning")


@pytest.mark.parametrize(
    "fields",
    [
        {"authorization": f"Bearer {PASSWORD}"},
        {"client_secret": PASSWORD},
        {"Password": PASSWORD},
        {"otp": PASSWORD},
        {"features": PASSWORD},
        {"headers": {"Authorization": PASSWORD, "Cookie": PASSWORD}},
        {"calls": [{"token": PASSWORD}]},
        {"error": ValueError(f"password={PASSWORD}")},
        {"detail": f"secret: '{PASSWORD}'"},
        {"url": f"postgresql://noctis:{PASSWORD}@db.example/noctis"},
        {"url": f"postgresql://noctis:p@{PASSWORD}@db.example/noctis"},
        {"url": f"redis://:{PASSWORD}@cache.example"},
        {"header": f"authorization: Bearer {PASSWORD}"},
        {"body": PASSWORD.encode()},
        {f"token={PASSWORD}": 1},
    ],
    ids=lambda fields: next(iter(fields)).partition("=")[0],
)
def test_a_planted_secret_stays_out_of_fields(log: Log, fields: dict[str, Any]) -> None:
    structlog.get_logger("planted").error("failed", **fields)

    assert len(log.lines) == 1
    assert PASSWORD not in log.text
    assert "Y29ycmVjdC1ob3JzZS" not in log.text


def test_a_token_stays_out_wherever_it_turns_up(log: Log) -> None:
    structlog.get_logger("planted").error("failed", said=f"got {TOKEN}", held=[TOKEN, (TOKEN,)])
    logging.getLogger("library").error("got %s", TOKEN)

    assert len(log.lines) == 2
    assert "eyJ" not in log.text


def test_features_stay_out_of_texts(log: Log) -> None:
    logging.getLogger("library").error("bad epoch {'features': %s}", FEATURES)

    assert len(log.lines) == 1
    assert "0.123456" not in log.text
    assert "0.654321" not in log.text


@pytest.mark.parametrize(
    "said",
    [
        '{"password": "hun ter2 x"}',
        "{'secret': 'hun,ter2'}",
        r'{"password": "hun \" ter2"}',
        r"{'password': 'it\'s ter2'}",
        r'"{\"password\": \"hun ter2\"}"',
        "password=b'hun ter2'",
        "password: 'hun ter2, cut off",
        '{"tokens": ["hun", "ter2"]}',
        '{"tokens": ["hun]", ["x"], "ter2"]}',
        '{"secret": {"kept": "hun", "also": "ter2"}}',
        "features=[[0.1, 0.2], [0.3, ter2]]",
        "features: [[[0.1], [0.2]], [[ter2]]]",
        "features=array([[0.1, 0.2],\n       [0.3, ter2]])",
        "features=(0.1, (0.2, ter2))",
        "features: [[0.1, 0.2], [0.3, ter2",
    ],
)
def test_a_secret_stays_out_of_texts_to_its_end(log: Log, said: str) -> None:
    logging.getLogger("library").error("got %s", said)

    (line,) = log.lines
    assert line["event"].startswith("got ")
    assert "[redacted]" in line["event"]
    assert not any(piece in line["event"] for piece in ("hun", "ter2", "0."))


def test_what_stands_behind_a_secret_is_still_told(log: Log) -> None:
    logging.getLogger("library").error('{"features": [[0.1], [0.2]], "token": "a b", "epoch": 7}')

    (line,) = log.lines
    assert line["event"] == '{"[redacted], "[redacted], "epoch": 7}'


@pytest.mark.parametrize("piece", ["features=[", "password='", "[", "'", '"', "\\"])
def test_a_long_text_is_redacted_in_no_time(piece: str) -> None:
    redaction, text = logs.Redaction([]), "features=[" + piece * 20_000
    started = time.perf_counter()

    redaction(None, "info", {"event": text})

    assert time.perf_counter() - started < 1


def test_a_traceback_is_told_without_its_secrets(log: Log) -> None:
    try:
        raise ValueError(f"{TOKEN} postgresql://noctis:{PASSWORD}@db/noctis")
    except ValueError:
        structlog.get_logger("planted").exception("failed")
        logging.getLogger("library").exception("failed")

    ours, theirs = log.lines
    assert "ValueError" in ours["exception"]
    assert "ValueError" in theirs["exception"]
    assert "eyJ" not in log.text
    assert PASSWORD not in log.text


def test_the_platform_s_own_secrets_stay_out_of_any_text(log: Log) -> None:
    mine = [
        settings.SECRET_KEY,
        *settings.ENCRYPTION_KEYS,
        settings.DATABASES["default"]["PASSWORD"],
    ]

    for secret in mine:
        logging.getLogger("library").error("could not use %s here", secret)

    assert len(log.lines) == len(mine) == 3
    assert all(line["event"] == "could not use [redacted] here" for line in log.lines)


def test_a_short_word_is_not_taken_for_a_known_secret() -> None:
    redaction = logs.Redaction(["noctis"])

    assert redaction(None, "info", {"event": "noctis starts"}) == {"event": "noctis starts"}


def test_half_a_character_does_not_break_the_line(log: Log) -> None:
    structlog.get_logger("planted").info("request", path="/\udcff", seen={1, 2})

    (line,) = log.lines
    assert line["path"] == r"/\udcff"
    assert line["seen"] == [1, 2]
