"""What the wiring adds to pages of apps: a tenant's numbers, a device's nights, schedules."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from noctis.models import TaskOutcome
from recordings.models import Recording
from tenants.models import AuditEntry, Tenant
from tests.factories import DeviceFactory, PlatformFactory, RecordingFactory
from tests.tenants.households import LISTS, Household, as_, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def heron() -> Household:
    return Household("heron")


def test_a_tenant_s_page_counts_what_it_owns_and_says_how_long_it_is_kept(
    heron: Household, settings: object
) -> None:
    settings.EPOCHS_RETENTION_DAYS = 90
    Tenant.objects.filter(pk=heron.tenant.pk).update(retention_days=30)
    RecordingFactory(device=DeviceFactory(tenant=heron.tenant))
    RecordingFactory()

    page = text(
        as_("tenant_viewer", heron.tenant).get(f"{LISTS['tenant']}{heron.tenant.pk}/change/")
    )

    assert page.count('<p class="tile-value">1</p>') == 3
    assert "epochs 30 days (its own choice)" in page


def test_a_device_s_nights_are_a_strip_with_the_gaps_in_its_table(heron: Household) -> None:
    night = RecordingFactory(device=DeviceFactory(tenant=heron.tenant))
    Recording.objects.filter(pk=night.pk).update(epoch_count=90, last_index=99)

    url = f"/console/devices/device/{night.device_id}/change/"
    page = text(as_("tenant_viewer", heron.tenant).get(url))

    assert "10 epochs missing in between" in page
    assert "no recording" in page


def test_an_edited_entry_is_seen_on_its_own_page(heron: Household) -> None:
    browser = as_("tenant_admin", heron.tenant)
    url = f"{LISTS['entry']}{heron.entry.pk}/change/"

    before = text(browser.get(url))
    edited = AuditEntry.objects.get(pk=heron.entry.pk)
    edited.pk, edited.sequence, edited.reason = None, edited.sequence + 50, "forged"
    edited.save(force_insert=True)
    after = text(browser.get(f"{LISTS['entry']}{edited.pk}/change/"))

    assert "holds: unedited" in before
    assert "was edited" in after


def schedule(name: str, **facts: object) -> PeriodicTask:
    every, _ = IntervalSchedule.objects.get_or_create(every=60, period="seconds")
    return PeriodicTask.objects.create(name=name, task=f"{name}.task", interval=every, **facts)


def test_a_schedule_says_how_it_ended_and_whether_it_is_overdue() -> None:
    now = timezone.now()
    schedule("late", last_run_at=now - timedelta(minutes=20))
    schedule("in time", last_run_at=now)
    TaskOutcome.objects.create(task="in time.task", ended_at=now, is_failed=True, error="KeyError")
    browser = as_("operator", PlatformFactory())

    rows = text(browser.get(LISTS["schedule"])).split("<tr>")
    late = next(row for row in rows if ">late<" in row)
    punctual = next(row for row in rows if ">in time<" in row)

    assert "overdue" in late
    assert "not known yet" in late
    assert "overdue" not in punctual
    assert "KeyError" in punctual
    assert "Overdue: late." in text(browser.get("/console/"))


def test_whoever_operates_the_platform_sees_schedules_and_switches_none(heron: Household) -> None:
    row = schedule("late")
    browser = as_("operator", PlatformFactory())

    answer = browser.post(f"{LISTS['schedule']}action/off/", {"pk": row.pk, "reason": "x"})

    assert answer.status_code == 403
    assert browser.get("/console/noctis/taskoutcome/").status_code == 200
    assert as_("tenant_admin", heron.tenant).get("/console/noctis/taskoutcome/").status_code == 403
