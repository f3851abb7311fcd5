"""The prediction log over HTTP: one, a range in three forms, pages; strangers, roles, counts."""

import csv
import io
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inference.models import ModelVersion, Pass, Prediction, Role
from inference.serving import Served
from recordings.models import Recording
from recordings.services import erasure, nights
from tests.calling import Calling, calling_as
from tests.factories import ACTOR, TenantFactory
from tests.inference.asking import Asking
from tests.inference.staged import opened, send, serve
from tests.recordings.test_ingest import spied_statements

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]
NDJSON, CSV = "application/x-ndjson", "text/csv"


@pytest.fixture
def served() -> Served:
    return serve()


@pytest.fixture
def night(served: Served) -> Recording:
    found = opened()
    send(found, 30)
    return found


@pytest.fixture
def ask(night: Recording) -> Asking:
    return Asking(night)


def slow_rows(night: Recording) -> list[dict[str, Any]]:
    """The specification: one ORM row at a time."""
    rows = Prediction.objects.filter(recording_id=night.pk)
    keys = ("window_end_ts", "model_id", "role", "staging_pass", "revision")
    return [slow_row(night, row) for row in rows.order_by(*keys)]


def slow_row(night: Recording, row: Prediction) -> dict[str, Any]:
    version = ModelVersion.objects.get(pk=row.model_id)
    before = version.metadata["window"]["before"]
    start = night.started_at + timedelta(seconds=30 * max(0, row.epoch_index - before))
    shown = {0: "W", 5: "Light", 3: "Deep", 4: "REM"}
    return {
        "id": str(row.public_id),
        "epoch_index": row.epoch_index,
        "window_start_ts": start.isoformat().replace("+00:00", "Z"),
        "window_end_ts": row.window_end_ts.isoformat().replace("+00:00", "Z"),
        "predicted_stage": shown[row.stage],
        "confidence": pytest.approx(row.confidence, abs=6e-7),
        "probabilities": pytest.approx(
            dict(zip(("W", "Light", "Deep", "REM"), row.probabilities, strict=True)), abs=6e-7
        ),
        "model_version": version.version,
        "pass": Pass(row.staging_pass).name.lower(),
        "role": Role(row.role).name.lower(),
        "revision": row.revision,
    }


def fill(ask: Asking, night: Recording) -> None:
    """Live, revised, inline, by two versions, and as a whole."""
    ask("all")
    send(night, 3, first=33)
    ask("all")
    send(night, 3, first=30)
    ask("all")
    serve("test-2", seed=3)
    nights.close_recording(recording=night, ended_at=None)
    ask("all")


def test_the_log_comes_back_as_the_slow_way_reads_it(ask: Asking, night: Recording) -> None:
    fill(ask, night)

    answer = ask.log("?limit=2880")

    expected = slow_rows(night)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"items": expected, "next": None}
    assert {row["revision"] for row in expected} == {0, 1}
    assert {row["pass"] for row in expected} == {"live", "night"}


def test_pages_follow_one_another_to_the_end(ask: Asking, night: Recording) -> None:
    fill(ask, night)
    seen, path = [], f"/v1/recordings/{night.uuid}/predictions?limit=7"

    while path:
        page = ask.get(path).json()
        assert len(page["items"]) <= 7
        seen += page["items"]
        path = page["next"]

    assert seen == slow_rows(night)


def test_a_page_that_is_just_full_is_the_last(ask: Asking) -> None:
    ask("all")

    assert ask.log("?limit=30").json()["next"] is None
    assert len(ask.log("?limit=29").json()["items"]) == 29


def test_a_range_is_half_open_by_where_epochs_start(ask: Asking, night: Recording) -> None:
    ask("all")
    at = [
        (night.started_at + timedelta(seconds=s)).isoformat().replace("+00:00", "Z")
        for s in (60, 150)
    ]

    rows = ask.log(f"?from={at[0]}&to={at[1]}").json()["items"]

    assert [row["epoch_index"] for row in rows] == [2, 3, 4]


def test_one_version_may_be_asked_for(ask: Asking, night: Recording) -> None:
    fill(ask, night)

    of_one = ask.log("?model_version=test-2&limit=2880").json()["items"]
    unknown = ask.log("?model_version=nobody").json()

    assert {row["model_version"] for row in of_one} == {"test-2"}
    assert of_one == [row for row in slow_rows(night) if row["model_version"] == "test-2"]
    assert unknown == {"items": [], "next": None}


def test_a_stream_is_the_whole_range_a_line_each(ask: Asking, night: Recording) -> None:
    fill(ask, night)

    answer = ask.log(accept=NDJSON)

    assert answer["Content-Type"] == "application/x-ndjson; charset=utf-8"
    assert [json.loads(line) for line in answer.content.splitlines()] == slow_rows(night)


def test_a_table_has_a_column_for_each_stage(ask: Asking, night: Recording) -> None:
    fill(ask, night)

    answer = ask.log(accept=CSV)

    header, *lines = csv.reader(io.StringIO(answer.content.decode()))
    expected = slow_rows(night)
    leading = header[:10]
    assert leading == [
        "id",
        "epoch_index",
        "window_start_ts",
        "window_end_ts",
        "predicted_stage",
        "confidence",
        "model_version",
        "pass",
        "role",
        "revision",
    ]
    assert header[10:] == ["W", "Light", "Deep", "REM"]
    for line, row in zip(lines, expected, strict=True):
        named = dict(zip(header, line, strict=True))
        assert float(named.pop("confidence")) == row["confidence"]
        assert {name: float(named.pop(name)) for name in header[10:]} == row["probabilities"]
        assert named == {name: str(row[name]) for name in named}


def test_a_limit_of_a_stream_leaves_a_link_to_the_rest(ask: Asking) -> None:
    ask("all")

    answer = ask.log("?limit=4", accept=NDJSON)

    rest = ask.get(answer["Link"][1:].partition(">")[0], accept=NDJSON)
    assert len(answer.content.splitlines()) == 4
    assert json.loads(rest.content.splitlines()[0])["epoch_index"] == 4


def test_a_night_without_predictions_is_empty_in_every_form(ask: Asking) -> None:
    assert ask.log().json() == {"items": [], "next": None}
    assert ask.log(accept=NDJSON).content == b""
    assert ask.log(accept=CSV).content.endswith(b"revision,W,Light,Deep,REM\n")


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("from=2026-03-01T21:00:00", 422, "?from"),
        ("from=2026-03-02T00:00Z&to=2026-03-01T00:00Z", 422, "?to"),
        ("limit=2881", 422, "?limit"),
        ("model_version=", 422, "?model_version"),
        ("model=linear", 422, "?model"),
        ("cursor=7", 400, None),
        ("cursor=1.2.3.4.x", 400, None),
        ("cursor=99999.1.0.0.0", 400, None),
        ("cursor=1.99999.0.0.0", 400, None),
    ],
)
def test_a_bad_query_is_a_problem(
    ask: Asking, query: str, status: int, pointer: str | None
) -> None:
    answer = ask.log(f"?{query}", accept=CSV)

    assert answer.status_code == status
    problems = answer.json().get("errors", [{"pointer": None}])
    assert [problem["pointer"] for problem in problems] == [pointer]


def test_one_prediction_tells_where_it_came_from(
    ask: Asking, night: Recording, served: Served
) -> None:
    asked = ask("latest")
    (given,) = asked.json()["predictions"]

    answer = ask.get(f"/v1/predictions/{given['id']}")

    row = Prediction.objects.get()
    assert answer.status_code == 200
    assert answer.json() == slow_row(night, row) | {
        "recording_id": str(night.uuid),
        "feature_schema_version": "noctis_v1",
        "artifact_hash": served.artifact_hash,
        "input_hash": bytes(row.input_hash).hex(),
        "request_id": asked["X-Request-Id"],
        "latency_ms": row.latency_us / 1000,
        "created_at": row.created_at.isoformat().replace("+00:00", "Z"),
    }


@pytest.fixture
def stranger() -> Calling:
    return calling_as("admin", TenantFactory())


@pytest.mark.parametrize("tail", ["", "/explanation"])
def test_a_stranger_s_prediction_is_answered_like_an_absent_one(
    ask: Asking, stranger: Calling, tail: str
) -> None:
    own = ask("latest").json()["predictions"][0]["id"]
    almost = own[:-1] + ("1" if own[-1] == "0" else "0")
    other = "ffffffff" + own[8:]

    answers = [
        stranger("GET", f"/v1/predictions/{id_}{tail}")
        for id_ in (own, almost, other, str(uuid4()), "nothing", own.replace("-", ""))
    ]
    answers.append(ask.get(f"/v1/predictions/{almost}{tail}"))

    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["code"] for answer in answers} == {"not_found"}


@pytest.mark.parametrize("tail", ["", "/explanation"])
def test_a_prediction_of_an_erased_night_is_not_there(
    ask: Asking, night: Recording, tail: str
) -> None:
    id_ = ask("latest").json()["predictions"][0]["id"]
    Recording.objects.filter(pk=night.pk).update(status=Recording.Status.ERASING)

    assert ask.get(f"/v1/predictions/{id_}{tail}").status_code == 404
    assert ask.log().status_code == 404


def test_an_answer_that_was_kept_for_repetition_goes_with_its_night(
    ask: Asking, night: Recording
) -> None:
    body, key = {"recording_id": str(night.uuid)}, {"Idempotency_Key": "night-1"}
    assert ask.call("POST", "/v1/predict", body, **key).status_code == 200

    due = erasure.erase_recording(tenant=night.tenant, recording_uuid=night.uuid, actor=ACTOR)
    erasure.work_off(erasure_id=due.pk, actor=ACTOR)

    assert ask.call("POST", "/v1/predict", body, **key).status_code == 404


def test_a_stranger_s_log_is_not_found(ask: Asking, night: Recording, stranger: Calling) -> None:
    ask("all")

    answers = [
        stranger("GET", f"/v1/recordings/{one}/predictions") for one in (night.uuid, uuid4())
    ]

    assert [answer.status_code for answer in answers] == [404, 404]


def test_who_sends_may_not_read_and_a_device_s_key_finds_nothing(
    ask: Asking, night: Recording
) -> None:
    id_ = ask("latest").json()["predictions"][0]["id"]
    sender = Asking(night, role="ingest")
    bound = Asking(night, role="read", device_uuid=night.device.uuid)

    paths = [f"/v1/predictions/{id_}", f"/v1/predictions/{id_}/explanation"]
    statuses = [
        [*(who.get(path).status_code for path in paths), who.log().status_code]
        for who in (sender, bound)
    ]

    assert statuses == [[403] * 3, [404] * 3]


def test_the_number_of_statements_does_not_grow_with_the_log(
    ask: Asking, night: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for first, count in ((30, 1), (31, 900)):
        send(night, count, first=first)
        ask("all")
        ask.log()  # what a process remembers for seconds is known again, however busy the cores
        ours = spied_statements(monkeypatch)
        with CaptureQueriesContext(connection) as django_s:
            ask.log(accept=CSV)
        counts.append((len(django_s), len(ours)))

    assert counts[0] == counts[1]
    assert counts[0][1] == 1
