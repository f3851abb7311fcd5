"""What is past its retention goes, and nothing else: tenants, kept nights, counters, history."""

from datetime import datetime, timedelta

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from inference.models import Prediction
from operations.models import DeviceDailySummary, RecordingDailySummary, StoragePolicy, SummaryMark
from operations.services import retention, runs, summarising
from recordings.models import Recording
from recordings.services import erasure, nights
from tenants.models import AuditEntry, Tenant
from tests.factories import ACTOR, TenantFactory
from tests.inference.staged import closed, opened, send, serve
from tests.operations.kept import apply, days_after, let_go, rows_of, staged

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _serving() -> None:
    serve()


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


def early_in_a_chunk() -> datetime:
    """A night whose rows are deleted: a chunk of a week that ends, on a Thursday, goes whole."""
    now = timezone.now()
    friday = now.replace(hour=22, minute=0) - timedelta(days=(now.weekday() - 4) % 7)
    return friday if friday < now - timedelta(hours=9) else friday - timedelta(days=7)


def test_nothing_goes_before_a_plan_was_applied(tenant: Tenant) -> None:
    night = staged(tenant)

    taken = let_go(days_after(night, 5_000))

    assert (taken.rows, rows_of(night)) == (0, 60)


def test_epochs_go_at_the_end_of_their_retention_and_not_before(tenant: Tenant) -> None:
    night = staged(tenant, started_at=early_in_a_chunk())
    apply()

    early = let_go(days_after(night, 89.9))
    late = let_go(days_after(night, 91.5))

    assert (early.rows, late.rows) == (0, 60)
    assert (rows_of(night), rows_of(night, "predictions")) == (0, 60)


def test_a_night_across_the_limit_loses_exactly_what_is_past(tenant: Tenant) -> None:
    night = staged(tenant)
    apply()
    at = days_after(night, 90) + timedelta(seconds=30 * 20)

    taken = let_go(at)

    night.refresh_from_db()
    assert (taken.rows, rows_of(night), night.epoch_count) == (20, 40, 40)


def test_the_counters_tell_what_is_left(tenant: Tenant) -> None:
    night = staged(tenant)
    apply()
    before = night.updated_at

    let_go(days_after(night, 91.5))

    night.refresh_from_db()
    assert (night.epoch_count, night.last_index, night.status) == (0, 59, "staged")
    assert night.updated_at > before


def test_predictions_stay_for_their_own_time(tenant: Tenant) -> None:
    night = staged(tenant)
    apply()

    let_go(days_after(night, 91.5), "predictions")
    kept = rows_of(night, "predictions")
    let_go(days_after(night, 181.5), "predictions")

    assert (kept, rows_of(night, "predictions")) == (60, 0)


@pytest.mark.parametrize("series", ["epochs", "predictions"])
def test_a_tenants_shorter_retention_is_honoured(series: str, tenant: Tenant) -> None:
    brief = TenantFactory(retention_days=10)
    theirs, ours = staged(brief), staged(tenant)
    apply()

    let_go(days_after(theirs, 12), series)

    assert (rows_of(theirs, series), rows_of(ours, series)) == (0, 60)


def test_a_tenant_keeps_nothing_for_longer_than_the_platform(tenant: Tenant) -> None:
    greedy = TenantFactory(retention_days=1_000)
    night = staged(greedy)
    apply()

    let_go(days_after(night, 91.5))

    assert rows_of(night) == 0


@pytest.mark.parametrize("series", ["epochs", "predictions"])
def test_a_kept_night_stays_until_somebody_erases_it(series: str, tenant: Tenant) -> None:
    night, other = staged(tenant), staged(tenant)
    nights.keep(recording=night)
    apply()

    let_go(days_after(night, 5_000), series)

    night.refresh_from_db()
    assert (rows_of(night, series), rows_of(other, series)) == (60, 0)
    assert night.epoch_count == 60


def test_doing_it_again_changes_nothing(tenant: Tenant) -> None:
    night = staged(tenant)
    apply()
    at = days_after(night, 91.5)
    let_go(at)
    entries = AuditEntry.objects.count()

    again = let_go(at)

    assert (again.rows, again.nights, AuditEntry.objects.count()) == (0, 0, entries)


def test_settings_that_ask_for_longer_hold_what_was_applied_back(
    tenant: Tenant, settings: LazySettings
) -> None:
    night = staged(tenant)
    apply()
    settings.EPOCHS_RETENTION_DAYS = 200

    let_go(days_after(night, 100))

    assert rows_of(night) == 60


def test_settings_that_ask_for_less_delete_nothing_before_they_are_applied(
    tenant: Tenant, settings: LazySettings
) -> None:
    night = staged(tenant)
    apply()
    settings.EPOCHS_RETENTION_DAYS = 5
    let_go(days_after(night, 50))
    before = rows_of(night)

    apply()
    let_go(days_after(night, 50))

    assert (before, rows_of(night)) == (60, 0)


def test_predictions_are_kept_as_long_as_epochs_whatever_their_own_setting_says(
    tenant: Tenant, settings: LazySettings
) -> None:
    settings.PREDICTIONS_RETENTION_DAYS = 2
    night = staged(tenant)
    apply()

    let_go(days_after(night, 80), "predictions")

    assert rows_of(night, "predictions") == 60


def test_what_goes_was_summed_up_before_and_stays_so(tenant: Tenant) -> None:
    night = staged(tenant)
    apply()

    let_go(days_after(night, 200))
    let_go(days_after(night, 200), "predictions")
    Recording.objects.update(updated_at=timezone.now())
    summarising.summarise(at=timezone.now(), back=summarising.EVER)

    days = DeviceDailySummary.objects.filter(recording_id=night.pk)
    stagings = RecordingDailySummary.objects.filter(recording_id=night.pk)
    assert sum(day.epochs for day in days) == 60
    assert sum(day.predictions for day in stagings) == 60


def test_a_night_that_was_not_summed_up_as_it_is_stays(tenant: Tenant) -> None:
    night = staged(tenant)
    apply()
    summarising.summarise(at=timezone.now())
    Recording.objects.filter(pk=night.pk).update(updated_at=timezone.now())
    past = retention.past_of(
        series=retention.EPOCHS, tenant=tenant, days=90, at=days_after(night, 100)
    )

    assert not retention.marks_of(past).exists()


def test_each_step_is_audited_with_its_counts(tenant: Tenant) -> None:
    night = staged(tenant, started_at=early_in_a_chunk())
    apply()

    let_go(days_after(night, 91.5))

    entry = AuditEntry.objects.owned_by(tenant).get(action="retention.delete")
    assert (entry.object_id, entry.after["nights"], entry.after["rows"]) == (
        "epochs.retention",
        1,
        60,
    )


def test_the_log_of_predictions_is_closed_again_afterwards(tenant: Tenant) -> None:
    night, young = staged(tenant), staged(tenant)
    nights.keep(recording=young)
    apply()

    let_go(days_after(night, 200), "predictions")

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Prediction.objects.filter(recording_id=young.pk).delete()


def test_an_open_night_is_let_go_as_well(tenant: Tenant) -> None:
    night = opened(tenant)
    send(night, 30)
    apply()

    let_go(days_after(night, 91.5))

    assert rows_of(night) == 0


def test_an_erased_night_leaves_no_summary(tenant: Tenant) -> None:
    night = staged(tenant)
    summarising.summarise(at=timezone.now())
    job = erasure.erase_recording(tenant=tenant, recording_uuid=night.uuid, actor=ACTOR)

    erasure.work_off(erasure_id=job.pk, actor=ACTOR)

    left = [
        rows.objects.filter(recording_id=night.pk).count()
        for rows in (DeviceDailySummary, RecordingDailySummary, SummaryMark)
    ]
    assert left == [0, 0, 0]


def test_the_record_says_how_the_work_went(tenant: Tenant) -> None:
    night = staged(tenant, started_at=early_in_a_chunk())
    apply()

    runs.retain(at=days_after(night, 91.5), actor=ACTOR)

    row = StoragePolicy.objects.get(name="epochs.retention")
    assert (row.runs, row.failures, row.last_result["rows"]) == (1, 0, 60)
    assert row.finished_at >= row.started_at


def test_work_that_fails_is_told_and_named(tenant: Tenant) -> None:
    night = closed(tenant)
    apply()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE device_daily_summary RENAME TO elsewhere")

    with pytest.raises(DatabaseError), transaction.atomic():
        runs.retain(at=days_after(night, 91.5), actor=ACTOR)

    assert rows_of(night) == 60
