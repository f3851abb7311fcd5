"""`GET /v1/predictions/{id}/explanation`: from the epochs as stored, by that version, or not."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from django.http import HttpResponse

from inference import engine
from inference.artifacts import folder
from inference.models import Prediction, Role
from inference.services import predictions_read
from inference.serving import Served, Snapshot
from recordings.models import Epoch, Recording
from recordings.services import nights
from tests.inference.asking import Asking, row_of, serve_network, slow_matrix
from tests.inference.staged import opened, send, serve
from tests.recordings.nights import body, features

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]


@pytest.fixture
def served() -> Served:
    return serve()


@pytest.fixture
def night(served: Served) -> Recording:
    found = opened()
    send(found, 20)
    send(found, 10, first=25)
    return found


@pytest.fixture
def ask(night: Recording) -> Asking:
    return Asking(night)


def explain(ask: Asking, index: int, **wanted: object) -> HttpResponse:
    row = row_of(ask.night, index, **wanted)
    return ask.get(f"/v1/predictions/{row.public_id}/explanation")


# One whose past reaches before the night, one before a gap, one behind it, the newest.
@pytest.mark.parametrize("index", [0, 19, 25, 34])
def test_a_live_stage_is_explained_from_what_it_saw(
    ask: Asking, night: Recording, served: Served, index: int
) -> None:
    ask("all")

    answer = explain(ask, index)

    known = engine.Night(slow_matrix(night, index))
    expected = engine.explain(served.model, known, index, "live")
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told["method"] == "linear_contributions"
    assert (told["epoch_index"], told["pass"]) == (index, "live")
    assert list(told["logits"].values()) == pytest.approx(expected.logits.tolist())
    for name, values in zip(expected.names, expected.contributions.tolist(), strict=True):
        assert list(told["contributions"][name].values()) == pytest.approx(values)


def test_the_sum_of_the_contributions_and_the_bias_is_the_logit(ask: Asking) -> None:
    ask("latest")

    told = explain(ask, 34).json()

    for stage, logit in told["logits"].items():
        summed = sum(each[stage] for each in told["contributions"].values())
        assert summed + told["bias"][stage] == pytest.approx(logit, abs=1e-5)


def test_a_stage_of_the_night_is_explained_from_the_whole_of_it(
    ask: Asking, night: Recording, served: Served
) -> None:
    nights.close_recording(recording=night, ended_at=None)
    ask("all")

    answer = explain(ask, 10)

    whole = engine.Night(slow_matrix(night))
    expected = engine.explain(served.model, whole, 10, "night")
    assert answer.json()["pass"] == "night"
    assert list(answer.json()["logits"].values()) == pytest.approx(expected.logits.tolist())


def test_the_version_that_gave_it_explains_it_whatever_serves_now(ask: Asking) -> None:
    ask("latest")
    before = explain(ask, 34).json()

    serve("test-2", seed=8)

    assert explain(ask, 34).json() == before


def test_a_version_that_many_ask_for_at_once_is_loaded_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loads: list[int] = []

    @lru_cache
    def slowly(model_id: int) -> object:
        loads.append(model_id)
        time.sleep(0.05)
        return object()

    monkeypatch.setattr(predictions_read, "_loaded", slowly)
    found = SimpleNamespace(version=SimpleNamespace(pk=7))

    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(predictions_read._version, found, Snapshot(1, None, None)) for _ in range(8)
        ]

    assert len({one.result() for one in asked}) == len(loads) == 1


def test_a_version_that_cannot_be_loaded_any_more_explains_nothing(
    ask: Asking, store: Path
) -> None:
    ask("latest")
    serve("test-2", seed=8)
    shutil.rmtree(store / "test-1")

    answer = explain(ask, 34)

    assert (answer.status_code, answer.json()["code"]) == (503, "model_unavailable")


def test_a_store_that_may_not_be_read_is_no_fault_of_whoever_asks(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("latest")
    serve("test-2", seed=8)

    def forbidden(*_: object) -> object:
        raise PermissionError("/srv/models/test-1")

    monkeypatch.setattr(folder, "read", forbidden)
    answer = explain(ask, 34)

    assert (answer.status_code, answer.json()["code"]) == (503, "model_unavailable")
    assert "test-1 cannot be loaded" in answer.json()["detail"]
    assert "/srv" not in answer.content.decode()
    assert "Permission" not in answer.content.decode()


@pytest.mark.parametrize("role", [Role.PRODUCTION, Role.INLINE])
def test_what_another_engine_gave_is_not_blamed_on_epochs_alone(
    ask: Asking, night: Recording, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    sent = body(night, features(20, seed=0))
    del sent["recording_id"]
    ask("latest") if role == Role.PRODUCTION else ask(**sent)
    monkeypatch.setattr(engine, "ENGINE_REVISION", engine.ENGINE_REVISION + 1)

    told = explain(ask, 34 if role == Role.PRODUCTION else 19, role=role)

    assert told.status_code == 409
    assert "engine" in told.json()["detail"]


def test_a_back_fill_is_named_where_it_changed_the_inputs_and_only_there(
    ask: Asking, night: Recording
) -> None:
    ask("all")
    send(night, 1, first=24)

    changed, same = explain(ask, 25), explain(ask, 19)

    assert (changed.status_code, changed.json()["code"]) == (409, "inputs_changed")
    assert same.status_code == 200


def test_a_night_that_grew_is_another_night(ask: Asking, night: Recording) -> None:
    nights.close_recording(recording=night, ended_at=None)
    ask("all")
    send(night, 1, first=40)

    answer = explain(ask, 10)

    assert (answer.status_code, answer.json()["code"]) == (409, "inputs_changed")


def test_epochs_that_are_gone_are_named(ask: Asking, night: Recording) -> None:
    ask("latest")
    Epoch.objects.filter(recording_id=night.pk).delete()

    answer = explain(ask, 34)

    assert (answer.status_code, answer.json()["code"]) == (409, "inputs_gone")


def test_epochs_that_were_sent_along_are_not_there_unless_they_are_stored(
    ask: Asking, night: Recording
) -> None:
    sent = body(night, features(20, seed=0))
    del sent["recording_id"]
    other = body(night, features(20, seed=4))
    del other["recording_id"]
    ask(**sent)
    ask(**other)

    as_stored = explain(ask, 19, role=Role.INLINE, revision=0)
    elsewhere = explain(ask, 19, role=Role.INLINE, revision=1)

    assert as_stored.status_code == 200
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "inputs_gone")


def test_a_network_is_explained_by_occlusion_and_the_same_each_time() -> None:
    serve_network()
    night = opened()
    send(night, 12)
    ask = Asking(night)
    ask("latest")

    first, again = explain(ask, 11).json(), explain(ask, 11).json()

    assert first["method"] == "seeded_occlusion"
    assert first == again
    assert Prediction.objects.count() == 1
    assert np.isfinite(list(first["logits"].values())).all()
