"""What is pending of an open night: in steps, at once, after gaps; staged once and no more."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inference.cache import CACHE
from inference.engine import Window, passes
from inference.models import Prediction
from inference.serving import Served
from recordings.models import Epoch, Recording
from tests.inference.asking import Asking, indexes, serve_network
from tests.inference.staged import opened, send, serve
from tests.inference.test_predict_remembered import Memory
from tests.recordings.test_ingest import spied_statements

pytestmark = pytest.mark.django_db
# First epoch and count, in the order in which they come: gaps, one filled late, one never.
ARRIVALS = ((0, 12), (12, 1), (13, 1), (20, 9), (29, 1), (15, 3), (40, 30), (14, 1), (70, 1))
SERVING: dict[str, Callable[[], Served]] = {
    "linear": serve,
    "window": lambda: serve(window=Window(9, 3, 4)),
    "network": serve_network,
}
GIVEN = ("epoch_index", "stage", "probabilities", "confidence", "input_hash")


@pytest.fixture(autouse=True)
def _nothing_remembered(store: Path) -> Iterator[None]:
    CACHE.clear()
    yield
    CACHE.clear()


@pytest.fixture(params=list(SERVING))
def served(request: pytest.FixtureRequest) -> Served:
    return SERVING[request.param]()


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many epochs the engine stages, call by call."""
    found: list[int] = []
    look = passes.look

    def counting(model: Any, blocks: np.ndarray, *more: Any) -> Any:
        found.append(len(blocks))
        return look(model, blocks, *more)

    monkeypatch.setattr(passes, "look", counting)
    return found


def newest(night: Recording) -> dict[int, tuple[Any, ...]]:
    """The last that the log says of each epoch, to the bit."""
    rows = Prediction.objects.filter(recording_id=night.pk).order_by("epoch_index", "revision")
    return {
        row.epoch_index: (
            row.stage,
            np.float32(row.probabilities).tobytes(),
            np.float32(row.confidence).tobytes(),
        )
        for row in rows
    }


def twins(started: Recording) -> Recording:
    return opened(started.tenant, started.started_at)


def test_in_steps_is_the_same_to_the_bit_as_at_once(served: Served) -> None:
    in_steps = opened()
    at_once = twins(in_steps)
    asked = []

    for first, count in ARRIVALS:
        send(in_steps, count, first)
        send(at_once, count, first)
        answer = Asking(in_steps)("pending")
        asked.append(indexes(answer) if answer.status_code == 200 else [])
    whole = indexes(Asking(at_once)("pending"))

    assert newest(in_steps) == newest(at_once)
    assert sorted({place for places in asked for place in places}) == whole
    assert asked[1] == [12]
    assert asked[-1] == [70]


def test_in_steps_every_answer_is_what_all_would_say_and_what_was_not_said_yet(
    served: Served,
) -> None:
    """By the way that stages everything each time: `all` of a twin, less what it had logged."""
    night = opened()
    twin = twins(night)

    for first, count in ARRIVALS:
        send(night, count, first)
        send(twin, count, first)
        pending, everything = Asking(night)("pending"), Asking(twin)("all")
        assert pending.status_code == everything.status_code
        if pending.status_code == 200:
            new = [row for row in everything.json()["predictions"] if not row["cached"]]
            told = pending.json()["predictions"]
            for row in [*new, *told]:
                row.pop("id")
            assert told == new

    rows = [
        list(Prediction.objects.filter(recording_id=one.pk).order_by("epoch_index", "revision"))
        for one in (night, twin)
    ]
    assert [row.revision for row in rows[0]] == [row.revision for row in rows[1]]
    assert any(row.revision for row in rows[0])
    for one, other in zip(*rows, strict=True):
        assert [getattr(one, name) for name in GIVEN] == [getattr(other, name) for name in GIVEN]


def test_what_the_log_has_is_not_staged_again(served: Served, looked: list[int]) -> None:
    night = opened()
    send(night, 60)
    ask = Asking(night)
    ask("pending")
    looked.clear()

    send(night, 1, first=60)
    one, none = ask("pending"), ask("pending")

    assert (indexes(one), indexes(none)) == ([60], [])
    assert looked == [1]


def test_what_is_pending_here_and_there_is_staged_at_one_look(
    served: Served, looked: list[int]
) -> None:
    """A device asked for the newest stage with every second epoch; each was logged."""
    night = opened()
    send(night, 12)
    for place in range(12, 24, 2):
        send(night, 2, place)
        assert Asking(night)("latest").status_code == 200
    looked.clear()

    asked = indexes(Asking(night)("pending"))

    assert len(looked) == 1
    assert asked[-6:] == [12, 14, 16, 18, 20, 22]


def test_epochs_that_can_have_no_stage_are_not_tried_again(
    served: Served, looked: list[int]
) -> None:
    night = opened()
    send(night, 30)
    send(night, 30, first=200)
    ask = Asking(night)
    ask("pending")
    looked.clear()
    CACHE.clear()

    assert indexes(ask("pending")) == []
    assert looked == []


def test_a_back_fill_stages_again_what_looks_back_on_it(served: Served, looked: list[int]) -> None:
    night = opened()
    send(night, 100)
    missing = Epoch.objects.filter(recording_id=night.pk, epoch_index=50)
    missing.delete()
    ask = Asking(night)
    ask("pending")
    looked.clear()

    send(night, 1, first=50)
    again = indexes(ask("pending"))

    assert again == [*range(50, 50 + served.model.reach)]
    assert sum(looked) == served.model.reach


def test_what_was_found_in_the_log_counts_as_found(served: Served) -> None:
    night = opened()
    send(night, 40)
    ask = Asking(night)
    given = len(indexes(ask("pending")))
    log = Memory("log")
    send(night, 1, first=40)

    ask("pending")

    assert log.since == (given, 1)


def test_it_takes_as_many_statements_whatever_the_number_of_epochs_and_gaps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve()
    spied, counts = spied_statements(monkeypatch), []
    for size, gaps in ((30, 0), (300, 40)):
        night = opened()
        send(night, size)
        Epoch.objects.filter(
            recording_id=night.pk, epoch_index__in=range(20, 20 + 5 * gaps, 5)
        ).delete()
        ask = Asking(night)
        ask("pending")
        send(night, 1, first=size)
        spied.clear()
        with CaptureQueriesContext(connection) as queries:
            ask("pending")
        counts.append((len(queries), len(spied)))

    assert counts[0] == counts[1]
    assert counts[0][1] == 3
