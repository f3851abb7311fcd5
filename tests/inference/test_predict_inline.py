"""`POST /v1/predict` with epochs in the body: every form, by themselves, and what is wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as examples

from inference import engine
from inference.bodies import questions
from inference.models import Prediction, Role
from inference.serving import Served, Snapshot
from noctis import errors
from recordings import intake
from recordings.batches import EpochBatch
from recordings.models import Epoch, Recording
from recordings.services import schemas
from tests.inference.asking import Asking, cached, indexes, row_of
from tests.inference.staged import opened, send, serve
from tests.recordings import bodies, nights
from tests.recordings.nights import body, features

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]


@pytest.fixture
def served() -> Served:
    return serve()


@pytest.fixture
def night(served: Served) -> Recording:
    return opened()


@pytest.fixture
def ask(night: Recording) -> Asking:
    return Asking(night)


def inline(night: Recording, matrix: np.ndarray, first: int = 0, form: str = "list") -> Any:
    asked = body(night, matrix, first, form)
    del asked["recording_id"]
    return asked


@pytest.mark.parametrize("form", ["list", "object", "packed", "column"])
def test_epochs_in_any_form_are_staged_as_given_and_not_stored(
    ask: Asking, night: Recording, served: Served, form: str
) -> None:
    matrix = features(41)

    answer = ask(**inline(night, matrix, 7, form))

    expected = engine.stage_live(served.model, engine.Night(matrix, 7), 1)
    (found,) = answer.json()["predictions"]
    assert found["epoch_index"] == 47
    assert list(found["probabilities"].values()) == pytest.approx(
        expected.probabilities[-1].tolist(), abs=1e-6
    )
    assert row_of(night, 47).role == Role.INLINE
    assert not Epoch.objects.exists()


def test_all_of_them_are_staged_as_a_night(ask: Asking, night: Recording, served: Served) -> None:
    matrix = features(41)

    answer = ask("all", **inline(night, matrix, 7))

    expected = engine.stage_night(served.model, engine.Night(matrix, 7))
    assert answer.json()["pass"] == "night"
    assert indexes(answer) == (7 + np.flatnonzero(expected.is_staged)).tolist()
    found = [list(row["probabilities"].values()) for row in answer.json()["predictions"]]
    assert np.allclose(found, expected.probabilities[expected.is_staged], atol=1e-6)


def test_epochs_sent_along_and_stored_ones_are_kept_apart(ask: Asking, night: Recording) -> None:
    matrix = features(20)
    send(night, 20)

    stored, sent = ask("latest"), ask("latest", **inline(night, matrix))
    other = ask("latest", **inline(night, features(20, seed=9)))
    again = ask("latest", **inline(night, matrix))

    assert [cached(answer) for answer in (stored, sent, other, again)] == [
        {False},
        {False},
        {False},
        {True},
    ]
    assert Prediction.objects.filter(role=Role.PRODUCTION).count() == 1
    assert row_of(night, 19, role=Role.INLINE, revision=1).stage is not None


def test_a_gap_between_epochs_is_a_gap(ask: Asking, night: Recording, served: Served) -> None:
    matrix = features(30, gaps=0)
    sent = inline(night, matrix)
    del sent["epochs"][10:20]
    matrix[10:20] = np.nan

    answer = ask("all", **sent)

    expected = engine.stage_night(served.model, engine.Night(matrix))
    assert indexes(answer) == np.flatnonzero(expected.is_staged).tolist()


def test_nothing_but_gaps_is_not_enough(ask: Asking, night: Recording) -> None:
    answer = ask(**inline(night, np.full((5, 15), np.nan, np.float32)))

    assert (answer.status_code, answer.json()["code"]) == (422, "not_enough_epochs")


def test_another_schema_is_refused_by_name(ask: Asking, night: Recording) -> None:
    listed = inline(night, features(2))
    for epoch in listed["epochs"]:
        epoch["feature_schema_version"] = "v1"
    column = inline(night, features(2), form="column") | {"feature_schema_version": "v1"}

    answers = [ask(**listed), ask(**column)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert {answer.json()["code"] for answer in answers} == {"feature_schema_mismatch"}
    assert [answer.json()["errors"][0]["pointer"] for answer in answers] == [
        "/epochs/0/feature_schema_version",
        "/feature_schema_version",
    ]


def test_a_clock_off_the_grid_is_refused_by_name(ask: Asking, night: Recording) -> None:
    sent = inline(night, features(3))
    sent["epochs"][1]["epoch_start_ts"] = nights.instant(night, 1, 16)

    answer = ask(**sent)

    assert (answer.status_code, answer.json()["code"]) == (422, "epoch_off_grid")
    assert [one["epoch_index"] for one in answer.json()["errors"]] == [1]


def test_one_bad_epoch_refuses_all_and_every_one_is_named(ask: Asking, night: Recording) -> None:
    sent = inline(night, features(4, gaps=0))
    sent["epochs"][1]["features"][1] = 10_000
    sent["epochs"][3]["features"] = [1, 2]
    sent["epochs"][2]["surprise"] = 1

    answer = ask("never", **sent)

    named = {(one["pointer"], one["code"]) for one in answer.json()["errors"]}
    assert answer.status_code == 422
    assert named == {
        ("/scope", "invalid_choice"),
        ("/epochs/1/features/1", "out_of_range"),
        ("/epochs/2/surprise", "unknown_field"),
        ("/epochs/3/features", "wrong_length"),
    }
    assert not Prediction.objects.exists()


def outcome(read: Callable[[], EpochBatch | None]) -> tuple[object, ...]:
    """What was taken, or the code and every place that is at fault."""
    try:
        batch = read()
    except errors.Refusal as refusal:
        named = sorted((one.pointer, one.code) for one in refusal.problems)
        return refusal.row.code, named
    return ("taken", batch.index.tolist(), batch.features.tobytes()) if batch else ("none",)


@given(sent=bodies.spoilt(bodies.listed_bodies() | bodies.columns()))
@examples(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_epochs_are_taken_and_refused_as_at_ingest(served: Served, sent: Any) -> None:
    assume(isinstance(sent, dict) and "epochs" in sent)
    snapshot, raw = Snapshot(1, served, served), bodies.raw(sent)

    asked = outcome(lambda: questions.read(raw, snapshot).inline)

    assert asked == outcome(lambda: intake.read_batch(raw, schemas.active()).batch)
