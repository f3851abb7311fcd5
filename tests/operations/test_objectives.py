"""Objectives: measured over three windows, kept by the minute, and what of the budget is gone."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from prometheus_client import REGISTRY

from noctis import histograms, metrics
from noctis.models import Traffic
from operations.models import Objective, ObjectiveReading
from operations.objectives import AIMS, BY_NAME, Happened
from operations.services import objectives

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
BOUNDS = list(metrics.INFERENCE_BUCKETS)


def answers(fast: int, slow: int) -> list[int]:
    """So many within 100 ms, and so many that took a second."""
    counts = [0] * (len(BOUNDS) + 1)
    counts[BOUNDS.index(0.1)], counts[BOUNDS.index(1.0)] = fast, slow
    return counts


def minute(minutes_ago: int, **counted: object) -> Traffic:
    at = NOW.replace(second=0) - timedelta(minutes=minutes_ago)
    return Traffic.objects.create(minutes=Traffic.MINUTE, at=at, **counted)


def state(name: str) -> Objective:
    return Objective.objects.get(name=name)


@pytest.mark.django_db
def test_each_window_counts_its_own_minutes_and_not_the_one_at_hand() -> None:
    for ago, failed in ((0, 100), (1, 1), (5, 2), (6, 4), (60, 8), (61, 16), (24 * 60 + 1, 32)):
        minute(ago, batches=100, batches_failed=failed)

    objectives.evaluate(at=NOW)

    now = state("ingest_failures").now
    assert [now[window]["bad"] for window in ("5m", "1h", "24h")] == [3, 15, 31]
    assert [now[window]["total"] for window in ("5m", "1h", "24h")] == [200, 400, 500]
    assert now["5m"]["value"] == pytest.approx(0.015)
    # A hundredth is allowed: one and a half of it is gone.
    assert now["5m"]["spent"] == pytest.approx(1.5)


@pytest.mark.django_db
def test_percentiles_come_from_all_processes_buckets_and_the_budget_from_what_was_slow() -> None:
    minute(1, predicting=answers(900, 0))
    minute(2, predicting=answers(60, 40))

    objectives.evaluate(at=NOW)

    p95, p99 = state("inference_p95"), state("inference_p99")
    slow = 40 / 1000
    assert p95.now["5m"]["is_met"] is True
    assert p95.now["5m"]["spent"] == pytest.approx(slow / 0.05)
    assert p99.now["5m"]["is_met"] is False
    assert p99.now["5m"]["spent"] == pytest.approx(slow / 0.01)
    assert p99.now["5m"]["value"] == pytest.approx(700 + 300 * 30 / 40)
    told = REGISTRY.get_sample_value("inference_p99_latency_ms")
    assert told == pytest.approx(p99.now["5m"]["value"])


@pytest.mark.django_db
def test_where_nothing_happened_nothing_is_claimed() -> None:
    objectives.evaluate(at=NOW)

    for row in Objective.objects.all():
        assert all(told["is_met"] is None for told in row.now.values())
        assert all(told["spent"] is None for told in row.now.values())
        assert not row.is_broken
    assert math.isnan(REGISTRY.get_sample_value("inference_p95_latency_ms") or 0)


@pytest.mark.django_db
def test_broken_is_what_went_wrong_for_an_hour_and_still_does() -> None:
    minute(30, reloads=1, reloads_failed=3)
    objectives.evaluate(at=NOW)
    over = state("model_reloads").is_broken
    minute(2, reloads=1, reloads_failed=1)
    objectives.evaluate(at=NOW)

    assert not over
    assert state("model_reloads").is_broken


@pytest.mark.django_db
def test_evaluating_a_minute_twice_keeps_one_reading_of_it_and_the_last() -> None:
    minute(1, batches=10)
    objectives.evaluate(at=NOW)
    minute(2, batches=10, batches_failed=1)

    objectives.evaluate(at=NOW + timedelta(seconds=20))

    assert ObjectiveReading.objects.count() == 3 * len(AIMS)
    reading = ObjectiveReading.objects.get(objective__name="ingest_failures", window="5m")
    assert (reading.total, reading.bad) == (20, 1)


@pytest.mark.django_db
def test_readings_are_kept_for_a_week() -> None:
    objectives.evaluate(at=NOW - timedelta(days=8))
    objectives.evaluate(at=NOW - timedelta(days=6))

    objectives.evaluate(at=NOW)

    assert ObjectiveReading.objects.values("at").distinct().count() == 2


@pytest.mark.django_db
def test_a_target_is_what_the_settings_say(settings: LazySettings) -> None:
    settings.SLO_INGEST_FAILURE_RATE = 0.2
    minute(1, batches=10, batches_failed=1)

    objectives.evaluate(at=NOW)

    row = state("ingest_failures")
    assert (row.target, row.now["5m"]["is_met"]) == (0.2, True)
    assert row.now["5m"]["spent"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("counts", "limit_ms"),
    [(answers(950, 50), 850.0), (answers(0, 10), 850.0), ([3] * (len(BOUNDS) + 1), 120.0)],
)
def test_what_is_above_a_limit_and_the_percentile_there_agree(
    counts: list[int], limit_ms: float
) -> None:
    bounds = [1000 * bound for bound in BOUNDS]

    above = histograms.above(counts, bounds, limit_ms)

    found = histograms.percentile(counts, bounds, 1 - above / sum(counts))
    assert found is not None
    assert histograms.above(counts, bounds, found) == pytest.approx(above)


def test_a_rate_that_has_to_be_high_is_met_from_its_target_on() -> None:
    aim = BY_NAME["model_reloads"]
    measured = aim.measure(Happened(reloads=99, reloads_failed=1), 0.99)

    assert measured.value == 0.99
    assert aim.is_met(0.99, 0.99)
    assert not aim.is_met(0.98, 0.99)
    assert measured.spent(aim.allows(0.99)) == pytest.approx(1.0)
