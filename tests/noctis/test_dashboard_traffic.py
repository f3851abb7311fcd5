"""Traffic sampled out of counters: added once, by whatever process restarts; its percentiles."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import DatabaseError
from django.utils import timezone
from prometheus_client import CollectorRegistry, Counter, Histogram

from noctis import histograms, outcomes
from noctis.dashboard import sampling
from noctis.models import TaskOutcome, Traffic

NOON = datetime(2026, 3, 1, 12, 2, tzinfo=UTC)
BOUNDS = (0.1, 0.5, 1.0)


class Web:
    """The counters of a web process as they stand."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        answers = "django_http_responses_total_by_status_view_method"
        labels = ["status", "view", "method"]
        self._answers = Counter(answers, "x", labels, registry=self.registry)
        before = "django_http_responses_before_middlewares"
        self._all = Counter(before, "x", registry=self.registry)
        name = "inference_duration_seconds"
        self.took = Histogram(name, "x", buckets=BOUNDS, registry=self.registry)

    def answer(self, status: int, view: str = "whoami") -> None:
        self._all.inc()
        self._answers.labels(str(status), view, "GET").inc()


def counted(minutes: int) -> list[tuple[int, int, int]]:
    rows = Traffic.objects.filter(minutes=minutes).order_by("at")
    return list(rows.values_list("answered", "refused", "failed"))


@pytest.mark.django_db
def test_what_came_since_the_last_look_is_added_once() -> None:
    web = Web()
    for status in (200, 201, 404, 503):
        web.answer(status)

    for minutes in (0, 1, 2, 10):
        sampling.sample(registry=web.registry, at=NOON + timedelta(minutes=minutes))
    web.answer(200)
    sampling.sample(registry=web.registry, at=NOON + timedelta(minutes=11))

    assert counted(Traffic.SHORT) == [(2, 1, 1), (1, 0, 0)]
    assert counted(Traffic.LONG) == [(3, 1, 1)]


@pytest.mark.django_db
def test_counters_that_began_anew_count_from_nothing() -> None:
    before, after = Web(), Web()
    for _ in range(5):
        before.answer(200)
    after.answer(200)

    sampling.sample(registry=before.registry, at=NOON)
    sampling.sample(registry=after.registry, at=NOON)

    assert counted(Traffic.LONG) == [(6, 0, 0)]


@pytest.mark.django_db
def test_the_console_and_probes_are_no_traffic_of_the_api() -> None:
    web = Web()
    for view in ("admin:index", "static", "healthz", "metrics"):
        web.answer(200, view)

    assert sampling.sample(registry=web.registry, at=NOON)

    assert counted(Traffic.LONG) == [(0, 0, 0)]


@pytest.mark.django_db
def test_where_the_web_shows_no_numbers_no_row_claims_that_nobody_asked() -> None:
    assert not sampling.sample(registry=CollectorRegistry(), at=NOON)

    assert not Traffic.objects.exists()


@pytest.mark.django_db
def test_old_spans_are_forgotten_each_in_its_time() -> None:
    for days in (1, 4, 70):
        for minutes in (Traffic.SHORT, Traffic.LONG):
            Traffic.objects.create(minutes=minutes, at=NOON - timedelta(days=days))

    sampling.forget(at=NOON)

    assert (len(counted(Traffic.SHORT)), len(counted(Traffic.LONG))) == (1, 2)


@pytest.mark.django_db
def test_the_buckets_of_a_histogram_hold_what_fell_into_each() -> None:
    web = Web()
    web.answer(200)
    for seconds in (0.05, 0.3, 0.3, 7):
        web.took.observe(seconds)

    sampling.sample(registry=web.registry, at=NOON)

    assert Traffic.objects.get(minutes=5).predicting == [1, 2, 0, 1]


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_a_percentile_out_of_fine_buckets_is_close_to_the_samples_own(share: float) -> None:
    values = np.random.default_rng(4).gamma(2.0, 20.0, 20_000)
    bounds = [float(bound) for bound in range(1, 401)]
    counts = np.bincount(np.searchsorted(bounds, values), minlength=401).tolist()

    found = histograms.percentile(counts, bounds, share)

    assert found == pytest.approx(float(np.quantile(values, share)), abs=1.0)


def test_percentiles_of_nothing_and_beyond_the_last_bound_say_what_is_known() -> None:
    assert histograms.percentile([0, 0, 0], [1.0, 2.0], 0.5) is None
    assert histograms.percentile([0, 0, 3], [1.0, 2.0], 0.5) == 2.0
    assert histograms.summed([[], [1, 2], [3, 4]]) == [4, 6]


@pytest.mark.django_db
def test_a_task_that_failed_is_kept_with_its_kind_and_its_recovery_told() -> None:
    outcomes.end("a.task", None)
    outcomes.end("a.task", DatabaseError("password=hunter2"))
    failed = TaskOutcome.objects.get()
    outcomes.end("a.task", None)
    recovered = TaskOutcome.objects.get()

    assert (failed.is_failed, failed.error, failed.failures) == (True, "DatabaseError", 1)
    assert (recovered.is_failed, recovered.failures) == (False, 1)
    assert recovered.failed_at is not None
    assert recovered.ended_at <= timezone.now()


@pytest.mark.django_db
def test_only_batches_that_failed_by_our_fault_count_against_us() -> None:
    web = Web()
    web.answer(200)
    refused = Counter("ingest_failures", "x", ["code"], registry=web.registry)
    for code in ("validation_error", "db_error", "db_error", "rate_limited", "unheard_of"):
        refused.labels(code).inc()

    sampling.sample(registry=web.registry, at=NOON)

    span = Traffic.objects.get(minutes=Traffic.MINUTE)
    assert (span.batches_refused, span.batches_failed) == (5, 3)
