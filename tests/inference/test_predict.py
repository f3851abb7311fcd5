"""`POST /v1/predict` of stored epochs: scopes and passes, repeated, changed, refused, counted."""

from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inference import engine, serving
from inference.engine import Window, passes
from inference.models import Prediction
from inference.serving import Served
from recordings.models import Epoch, FeatureSchema, Recording
from recordings.services import nights
from tests.calling import calling_as
from tests.factories import TenantFactory
from tests.inference.asking import Asking, cached, indexes, row_of, slow_live, slow_matrix
from tests.inference.staged import opened, send, serve
from tests.recordings.test_ingest import spied_statements

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]


@pytest.fixture
def served() -> Served:
    return serve()


@pytest.fixture
def night(served: Served) -> Recording:
    """Open, with a gap from epoch 20 to 24."""
    found = opened()
    send(found, 20)
    send(found, 15, first=25)
    return found


@pytest.fixture
def ask(night: Recording) -> Asking:
    return Asking(night)


def test_the_newest_epoch_is_staged_and_logged(
    ask: Asking, night: Recording, served: Served
) -> None:
    answer = ask()

    assert answer.status_code == 200, answer.content
    body = answer.json()
    (found,) = body.pop("predictions")
    expected = slow_live(served, night, 39)
    row = row_of(night, 39)
    assert body.pop("latency_ms") > 0
    assert body == {
        "recording_id": str(night.uuid),
        "model_version": "test-1",
        "feature_schema_version": "noctis_v1",
        "pass": "live",
    }
    start = night.started_at + timedelta(seconds=30 * 38)
    end = night.started_at + timedelta(seconds=30 * 40)
    assert (found["window_start_ts"], found["window_end_ts"]) == (
        start.isoformat().replace("+00:00", "Z"),
        end.isoformat().replace("+00:00", "Z"),
    )
    assert (found["id"], found["epoch_index"]) == (str(row.public_id), 39)
    assert found["cached"] is False
    assert found["predicted_stage"] in ("W", "Light", "Deep", "REM")
    assert row.stage == expected.stages[-1]
    assert list(found["probabilities"]) == ["W", "Light", "Deep", "REM"]
    assert list(found["probabilities"].values()) == pytest.approx(
        expected.probabilities[-1].tolist(), abs=1e-6
    )
    assert found["confidence"] == pytest.approx(float(expected.confidence[-1]), abs=1e-6)
    assert row.probabilities == pytest.approx(expected.probabilities[-1].tolist(), abs=1e-6)
    assert row.request_id == answer["X-Request-Id"]
    assert row.client_id is not None


def test_every_epoch_of_an_open_night_is_staged_as_it_was_when_it_came(
    ask: Asking, night: Recording, served: Served
) -> None:
    answer = ask("all")

    for found in answer.json()["predictions"]:
        expected = slow_live(served, night, found["epoch_index"])
        assert row_of(night, found["epoch_index"]).stage == expected.stages[-1]
        assert list(found["probabilities"].values()) == pytest.approx(
            expected.probabilities[-1].tolist(), abs=1e-6
        )
    # The gap has no stage.
    assert indexes(answer) == [*range(20), *range(25, 40)]
    assert answer.json()["pass"] == "live"


def test_a_closed_night_is_staged_as_a_whole(ask: Asking, night: Recording, served: Served) -> None:
    nights.close_recording(recording=night, ended_at=None)

    answer = ask("all")

    expected = engine.stage_night(served.model, engine.Night(slow_matrix(night)))
    assert answer.json()["pass"] == "night"
    assert indexes(answer) == np.flatnonzero(expected.is_staged).tolist()
    found = [row["probabilities"] for row in answer.json()["predictions"]]
    assert [list(row.values()) for row in found] == [
        pytest.approx(row, abs=1e-6) for row in expected.probabilities[expected.is_staged].tolist()
    ]
    assert Prediction.objects.count() == len(found)


@pytest.mark.parametrize("scope", ["latest", "all"])
def test_the_same_question_is_answered_from_the_log(ask: Asking, scope: str) -> None:
    first = ask(scope)
    before = list(Prediction.objects.values())

    again = ask(scope)

    assert (cached(first), cached(again)) == ({False}, {True})
    plain = [
        [row | {"cached": None} for row in answer.json()["predictions"]]
        for answer in (first, again)
    ]
    assert plain[0] == plain[1]
    assert list(Prediction.objects.values()) == before


def test_the_newest_epoch_is_the_same_row_alone_and_among_all(ask: Asking) -> None:
    alone = ask("latest").json()["predictions"]

    among = ask("all").json()["predictions"]

    assert among[-1] == alone[0] | {"cached": True}


def test_pending_is_what_was_not_predicted_yet(ask: Asking, night: Recording) -> None:
    ask("latest")

    first, again = ask("pending"), ask("pending")
    send(night, 2, first=40)
    more = ask("pending")

    assert indexes(first) == [*range(20), *range(25, 39)]
    assert indexes(again) == []
    assert indexes(more) == [40, 41]


def test_a_back_fill_adds_revisions_where_the_window_changed(
    ask: Asking, night: Recording, served: Served
) -> None:
    ask("all")
    send(night, 1, first=24)

    answer = ask("pending")

    # The epoch itself, and those whose live stage looks back on it.
    reach = served.model.reach
    assert indexes(answer) == [*range(24, 24 + reach)]
    revisions = {
        row.epoch_index: row.revision
        for row in Prediction.objects.filter(epoch_index__in=range(24, 24 + reach))
        if row.revision
    }
    assert revisions == dict.fromkeys(range(25, 24 + reach), 1)
    assert row_of(night, 25, revision=0).stage is not None


def test_a_back_fill_changes_every_epoch_of_a_night(ask: Asking, night: Recording) -> None:
    nights.close_recording(recording=night, ended_at=None)
    before = indexes(ask("all"))
    send(night, 5, first=20)

    answer = ask("all")

    assert cached(answer) == {False}
    assert Prediction.objects.filter(revision=1).count() == len(before)


def test_another_version_adds_rows(ask: Asking, night: Recording) -> None:
    ask("latest")
    serve("test-2", seed=5)

    answer = ask("latest")

    assert answer.json()["model_version"] == "test-2"
    assert cached(answer) == {False}
    assert Prediction.objects.filter(epoch_index=39).count() == 2


def test_latest_looks_back_where_the_newest_epoch_lacks_its_window() -> None:
    served = serve(window=Window(3, 0, 3))
    night = opened()
    send(night, 10)
    send(night, 1, first=30)

    answer = Asking(night)("latest")

    assert indexes(answer) == [9]
    assert Prediction.objects.count() == 1
    assert row_of(night, 9).stage == slow_live(served, night, 9).stages[-1]


def test_latest_stages_one_epoch_however_far_it_looks_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve(window=Window(3, 0, 3))
    night = opened()
    send(night, 600)
    send(night, 1, first=2_000)
    staged: list[int] = []
    look = passes.look
    monkeypatch.setattr(
        passes,
        "look",
        lambda model, blocks, *more: staged.append(len(blocks)) or look(model, blocks, *more),
    )

    answer = Asking(night)("latest")

    # The last, which has no window, and the one that has.
    assert (indexes(answer), staged) == ([599], [1, 1])


def test_another_engine_adds_rows(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    before = indexes(ask("all"))
    monkeypatch.setattr(engine, "ENGINE_REVISION", engine.ENGINE_REVISION + 1)

    answer = ask("all")

    assert (indexes(answer), cached(answer)) == (before, {False})
    assert Prediction.objects.filter(revision=1).count() == len(before)


def test_the_first_epochs_of_a_night_have_a_window_that_begins_with_it(ask: Asking) -> None:
    rows = ask("all").json()["predictions"]

    first, second = rows[0], rows[1]
    assert first["window_start_ts"] == second["window_start_ts"]


@pytest.mark.parametrize("scope", ["latest", "pending", "all"])
@pytest.mark.parametrize("count", [0, 4])
def test_too_few_epochs_are_refused_by_name(scope: str, count: int) -> None:
    serve(window=Window(5, 5, 5))
    night = opened()
    if count:
        send(night, count)

    answer = Asking(night)(scope)

    assert (answer.status_code, answer.json()["code"]) == (422, "not_enough_epochs")
    assert "5 known epochs of the 11" in answer.json()["detail"]
    assert not Prediction.objects.exists()


def test_epochs_of_another_schema_are_refused(ask: Asking, night: Recording) -> None:
    other = FeatureSchema.objects.get(version="v1")
    Epoch.objects.filter(recording_id=night.pk, epoch_index=30).update(
        schema_id=other.pk, features=[1.0] * 10
    )

    answer = ask("all")

    assert (answer.status_code, answer.json()["code"]) == (422, "feature_schema_mismatch")
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("scope", ["latest", "pending", "all"])
def test_without_a_model_nothing_is_invented(scope: str) -> None:
    night = opened()
    serving.forget()

    answer = Asking(night)(scope)

    assert (answer.status_code, answer.json()["code"]) == (503, "model_unavailable")
    assert answer["Retry-After"] == "1"


def test_a_version_for_the_night_alone_answers_no_live_question() -> None:
    serve(families=("night",))
    night = opened()
    send(night, 20)

    live = Asking(night)("latest")
    nights.close_recording(recording=night, ended_at=None)
    whole = Asking(night)("all")

    assert (live.status_code, whole.status_code) == (503, 200)


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"recording_id": "seven"}, "/recording_id", "bad_uuid"),
        ({"scope": "newest"}, "/scope", "invalid_choice"),
        ({"scope": None}, "/scope", "invalid_choice"),
        ({"horizon": 3}, "/horizon", "unknown_field"),
        ({"start_index": 3}, "/start_index", "unknown_field"),
        ({"feature_schema_version": "noctis_v1"}, "/feature_schema_version", "unknown_field"),
        ({"epochs": None}, "/epochs", "wrong_type"),
        ({"epochs": []}, "/epochs", "wrong_length"),
    ],
)
def test_what_is_wrong_with_a_question_is_named(
    ask: Asking, body: dict[str, object], pointer: str, code: str
) -> None:
    answer = ask(**body)

    assert answer.status_code == 422
    assert (pointer, code) in [(one["pointer"], one["code"]) for one in answer.json()["errors"]]


def test_a_question_about_nothing_is_refused(ask: Asking) -> None:
    answers = [ask.call("POST", "/v1/predict", body) for body in ({}, [])]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json()["errors"][0]["pointer"] == "/recording_id"


def test_a_stranger_s_night_is_answered_like_an_absent_one(night: Recording) -> None:
    stranger = calling_as("admin", TenantFactory())

    answers = [
        stranger("POST", "/v1/predict", {"recording_id": str(one)}) for one in (night.uuid, uuid4())
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert not Prediction.objects.exists()


def test_an_erased_night_is_not_there(ask: Asking, night: Recording) -> None:
    Recording.objects.filter(pk=night.pk).update(status=Recording.Status.ERASING)

    assert ask().status_code == 404


def test_who_sends_may_not_ask_and_a_device_s_key_finds_nothing(night: Recording) -> None:
    by_role = Asking(night, role="ingest")()
    bound = Asking(night, role="read", device_uuid=night.device.uuid)()

    assert (by_role.status_code, bound.status_code) == (403, 404)


def test_the_number_of_statements_does_not_grow_with_the_question(
    ask: Asking, night: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    counts = []
    for scope, first, count in (("latest", 40, 1), ("all", 41, 1), ("all", 42, 800)):
        send(night, count, first=first)
        ours = spied_statements(monkeypatch)
        with CaptureQueriesContext(connection) as django_s:
            ask(scope)
        counts.append((len(django_s), len(ours)))

    assert set(counts) == {(0, 2)}
