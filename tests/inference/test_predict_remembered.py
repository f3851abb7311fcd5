"""What a process remembers of a costly model, seen through `/v1/predict`; and its metrics."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import REGISTRY, Histogram

from inference import cache
from inference.cache import CACHE
from inference.engine import Window
from inference.models import Prediction
from noctis import metrics
from recordings.models import Recording
from recordings.services import nights
from tests.factories import TenantFactory
from tests.inference.asking import Asking, cached, serve_network
from tests.inference.engine_models import linear
from tests.inference.staged import opened, send, serve
from tests.recordings.nights import body, features

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_remembered(store: Path) -> Iterator[None]:
    CACHE.clear()
    yield
    CACHE.clear()


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Memory:
    """Hits and misses since it was made."""

    def __init__(self, kept_in: str = "memory") -> None:
        self.labels = {"kept_in": kept_in}
        self.before = self.now

    @property
    def now(self) -> np.ndarray:
        names = ("cache_hits_total", "cache_misses_total")
        return np.array([counted(name, **self.labels) for name in names])

    @property
    def since(self) -> tuple[int, int]:
        return tuple((self.now - self.before).astype(int).tolist())


def sent(night: Recording | None = None) -> Recording:
    night = night or opened()
    send(night, 12)
    return night


def test_the_same_inputs_are_not_put_to_a_network_twice() -> None:
    serve_network()
    ask, memory = Asking(sent()), Memory()

    first, again = ask(), ask()

    assert memory.since == (1, 1)
    assert (cached(first), cached(again)) == ({False}, {True})
    assert first.json()["predictions"][0] == again.json()["predictions"][0] | {"cached": False}


def test_another_night_with_the_same_epochs_is_remembered_and_still_logged() -> None:
    serve_network()
    night = sent()
    start = night.started_at.replace(microsecond=1)
    other = sent(opened(night.tenant, start))
    memory = Memory()

    answers = [Asking(one)() for one in (night, other)]

    assert memory.since == (1, 1)
    assert [cached(answer) for answer in answers] == [{False}, {False}]
    assert Prediction.objects.count() == 2


def test_another_tenant_shares_nothing() -> None:
    serve_network()
    memory = Memory()

    for tenant in (TenantFactory(), TenantFactory()):
        Asking(sent(opened(tenant)))()

    assert memory.since == (0, 2)


def test_another_version_shares_nothing() -> None:
    serve_network()
    ask = Asking(sent())
    before = ask().json()["predictions"][0]["probabilities"]
    serve_network("network-2", seed=5)
    memory = Memory()

    after = ask().json()["predictions"][0]["probabilities"]

    assert memory.since == (0, 1)
    assert before != after


def test_the_same_epochs_at_another_hour_are_other_inputs() -> None:
    """A model may look at how long the night has lasted."""
    serve_network()
    night, matrix = opened(), features(12)
    ask, memory = Asking(night), Memory()

    for first in (0, 100):
        asked = body(night, matrix, first)
        del asked["recording_id"]
        ask(**asked)

    assert memory.since == (0, 2)


def test_a_whole_night_is_one_entry() -> None:
    serve_network()
    night = sent()
    nights.close_recording(recording=night, ended_at=None)
    ask, memory = Asking(night), Memory()

    ask("all")

    assert memory.since == (0, 12)
    assert len(CACHE) == 1


def test_a_night_that_the_log_has_is_not_staged_again() -> None:
    serve_network()
    night = sent()
    nights.close_recording(recording=night, ended_at=None)
    ask, memory, log = Asking(night), Memory(), Memory("log")

    first, again = ask("all"), ask("all")

    assert (memory.since, log.since) == ((0, 12), (12, 12))
    assert (cached(first), cached(again)) == ({False}, {True})
    uncached = [row | {"cached": False} for row in again.json()["predictions"]]
    assert uncached == first.json()["predictions"]
    assert ask("pending").json()["predictions"] == []


def test_the_passes_of_one_night_share_nothing() -> None:
    serve_network()
    night = sent()
    ask, memory = Asking(night), Memory()
    ask("all")
    nights.close_recording(recording=night, ended_at=None)

    ask("all")

    assert memory.since == (0, 24)


def test_one_matrix_is_cheaper_than_its_key() -> None:
    assert not cache.is_worth_it(linear(window=Window(0, 0, 1)))
    assert cache.is_worth_it(linear(window=Window(1, 0, 1)))


def test_what_the_log_had_is_counted_as_a_hit() -> None:
    serve()
    ask, log = Asking(sent()), Memory("log")

    ask("all")
    ask("all")

    assert log.since == (12, 12)


def test_an_answer_is_counted_and_timed_whether_or_not_it_was_known() -> None:
    served = serve()
    ask, live = Asking(sent()), {"staging_pass": "live"}
    before = [
        counted("predictions_total", model_version=served.version),
        counted("inference_duration_seconds_count", **live),
        counted("window_build_duration_seconds_count"),
        counted("prediction_confidence_histogram_count"),
    ]

    ask("all")
    ask("all")

    after = [
        counted("predictions_total", model_version=served.version),
        counted("inference_duration_seconds_count", **live),
        counted("window_build_duration_seconds_count"),
        counted("prediction_confidence_histogram_count"),
    ]
    assert np.subtract(after, before).tolist() == [24, 2, 2, 24]


def test_a_question_that_no_model_answers_is_counted() -> None:
    night = opened()
    before = counted("model_unavailable_total", family="live")

    Asking(night)()

    assert counted("model_unavailable_total", family="live") == before + 1


def test_observing_all_at_once_is_observing_each() -> None:
    bounds = (0.25, 0.5, 1.0)
    at_once = Histogram("at_once", "A test's.", buckets=bounds, registry=None)
    slowly = Histogram("slowly", "A test's.", buckets=bounds, registry=None)
    values = np.array([0.0, 0.25, 0.2500001, 0.5, 0.9, 1.0, 1.5])

    metrics.observe_all(at_once, values)
    for value in values:
        slowly.observe(value)

    counts = [
        [sample.value for sample in one.collect()[0].samples if "created" not in sample.name]
        for one in (at_once, slowly)
    ]
    assert counts[0] == pytest.approx(counts[1])
