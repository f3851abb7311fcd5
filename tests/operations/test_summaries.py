"""Nights summed up by day: against a slow loop, late, staged anew, and what a reader touches."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inference.models import Hypnogram, Prediction
from inference.services import staging
from operations import queries
from operations.models import DeviceDailySummary, RecordingDailySummary
from operations.queries import DeviceDay, NightDay
from operations.services import summarising
from recordings.models import Epoch, Recording
from recordings.services import nights
from tenants.models import Tenant
from tests.factories import ACTOR, TenantFactory
from tests.inference.staged import close, opened, send, serve
from tests.operations.kept import staged
from tests.recordings.nights import NAMES

pytestmark = pytest.mark.django_db
LIGHT = (1, 2, 5)


@pytest.fixture(autouse=True)
def _serving() -> None:
    serve()


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


@pytest.fixture
def across_midnight(tenant: Tenant) -> Recording:
    """Half an hour on either side of a UTC midnight."""
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return staged(tenant, 120, midnight - timedelta(minutes=30))


def summed() -> None:
    summarising.summarise(at=timezone.now())


def day_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def days_of(night: Recording) -> list[DeviceDay]:
    first = night.started_at.date() - timedelta(days=1)
    return queries.days_of_device(night.device, first, first + timedelta(days=5))


def slow_device_days(night: Recording) -> dict[datetime, list[Epoch]]:
    found = defaultdict(list)
    for epoch in Epoch.objects.filter(recording_id=night.pk).order_by("epoch_index"):
        found[day_of(epoch.epoch_start_ts + timedelta(seconds=30))].append(epoch)
    return dict(found)


def slow_mean(epochs: list[Epoch], name: str) -> float:
    place = NAMES.index(name)
    values = [epoch.features[place] for epoch in epochs]
    return float(np.mean([value for value in values if not np.isnan(value)]))


def test_a_devices_days_are_what_a_loop_over_its_epochs_finds(across_midnight: Recording) -> None:
    summed()

    found = {day.day: day for day in days_of(across_midnight)}

    slow = slow_device_days(across_midnight)
    assert (len(found), found.keys()) == (2, slow.keys())
    for day, epochs in slow.items():
        row = found[day]
        gaps = sum(bool(np.isnan(epoch.features).any()) for epoch in epochs)
        assert (row.nights, row.epochs, row.expected, row.gaps) == (
            1,
            len(epochs),
            len(epochs),
            gaps,
        )
        assert row.heart_rate == pytest.approx(slow_mean(epochs, "hr_mean"))
        assert row.respiration == pytest.approx(slow_mean(epochs, "rr_mean"))
        assert row.movement == pytest.approx(slow_mean(epochs, "large_move_pct"))


def test_a_nights_days_are_what_a_loop_over_its_predictions_finds(
    across_midnight: Recording, tenant: Tenant
) -> None:
    summed()

    found = queries.days_of_nights(tenant, [across_midnight])

    slow = defaultdict(list)
    for row in Prediction.objects.filter(recording_id=across_midnight.pk, staging_pass=1):
        slow[day_of(row.window_end_ts)].append(row)
    assert [day.day for day in found] == sorted(slow)
    for day in found:
        rows = slow[day.day]
        codes = [row.stage for row in rows]
        assert day.predictions == len(rows)
        assert day.wake_min == codes.count(0) / 2
        assert day.light_min == sum(code in LIGHT for code in codes) / 2
        assert (day.deep_min, day.rem_min) == (codes.count(3) / 2, codes.count(4) / 2)
        assert day.mean_confidence == pytest.approx(np.mean([row.confidence for row in rows]))


def test_missing_epochs_show_in_what_was_expected(tenant: Tenant) -> None:
    night = opened(tenant, timezone.now().replace(hour=1, minute=0, second=0, microsecond=0))
    send(night, 10)
    send(night, 10, first=30)
    summed()

    (day,) = days_of(night)

    assert (day.epochs, day.expected) == (20, 40)


def test_late_epochs_are_summed_up_with_the_others(tenant: Tenant) -> None:
    night = opened(tenant)
    send(night, 30)
    summed()

    send(night, 30, first=30)
    summed()

    assert sum(day.epochs for day in days_of(night)) == 60


def test_only_the_production_night_pass_counts(tenant: Tenant) -> None:
    night = opened(tenant)
    send(night, 60)
    staging.stage_live(recording_id=night.pk)
    live = Prediction.objects.filter(recording_id=night.pk).count()
    close(night)
    staging.stage_night(recording_id=night.pk)
    summed()

    found = queries.days_of_nights(tenant, [night])

    stored = RecordingDailySummary.objects.filter(recording_id=night.pk)
    assert live > 0
    assert sum(day.predictions for day in found) == 60
    assert sum(row.predictions for row in stored) == 60


def test_a_night_that_was_staged_anew_counts_once_and_as_it_is_now(tenant: Tenant) -> None:
    night = staged(tenant)
    summed()
    send(night, 10, first=60)
    staging.stage_night(recording_id=night.pk)
    summed()

    found = queries.days_of_nights(tenant, [night])

    stored = RecordingDailySummary.objects.filter(recording_id=night.pk)
    assert sum(day.predictions for day in found) == 70
    assert sum(row.predictions for row in stored) == 130


def test_going_back_to_another_version_goes_back_in_the_summary(tenant: Tenant) -> None:
    night = staged(tenant)
    summed()
    first = queries.days_of_nights(tenant, [night])
    serve("test-2", seed=5)
    nights.stage_again(recording=night, actor=ACTOR, reason="another version")
    staging.stage_night(recording_id=night.pk)
    summed()

    second = queries.days_of_nights(tenant, [night])

    assert Hypnogram.objects.filter(recording=night).count() == 2
    assert stage_minutes(first) != stage_minutes(second)
    assert sum(stage_minutes(second)) == 30


def stage_minutes(days: list[NightDay]) -> list[float]:
    return [
        sum(getattr(day, f"{stage}_min") for day in days)
        for stage in ("wake", "light", "deep", "rem")
    ]


def test_summing_up_again_changes_nothing_and_looks_at_nothing(tenant: Tenant) -> None:
    staged(tenant)
    summed()

    again = summarising.summarise(at=timezone.now())

    assert again == {"recording_daily_summary": 0, "device_daily_summary": 0}


def test_more_nights_than_are_taken_at_once_are_all_summed_up(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summarising, "NIGHTS_AT_ONCE", 2)
    for _ in range(5):
        night = opened(tenant)
        send(night, 3)

    summed()

    assert DeviceDailySummary.objects.values("recording_id").distinct().count() == 5


def test_a_stranger_sees_nothing_of_a_night(across_midnight: Recording) -> None:
    summed()

    assert queries.days_of_nights(TenantFactory(), [across_midnight]) == []


def test_reading_the_days_touches_no_epoch_and_no_prediction(
    across_midnight: Recording, tenant: Tenant
) -> None:
    summed()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        queries.days_of_nights(tenant, [across_midnight])
        days_of(across_midnight)

    plans = "\n".join(plan_of(query["sql"]) for query in asked.captured_queries)

    assert "device_daily_summary" in plans
    assert "recording_daily_summary" in plans
    for raw in ("recordings_epoch", "inference_prediction", "_hyper_"):
        assert raw not in plans


def plan_of(statement: str) -> str:
    if not statement.startswith(("\nSELECT", "SELECT")):
        return ""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (VERBOSE) " + statement.replace("%", "%%"))
        return "\n".join(line for (line,) in cursor.fetchall())
