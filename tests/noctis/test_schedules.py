"""Schedules come from code; an operator's choice of on or off outlives beat's restarts."""

import pytest
from celery import Celery
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from noctis.beat import Scheduler
from noctis.celery import app
from noctis.schedules import SCHEDULES
from tenants.models import AuditEntry
from tests.factories import PlatformFactory
from tests.tenants.households import LISTS, as_, text

# Beat closes what it takes for an old connection: it needs one of its own, not the test's.
pytestmark = pytest.mark.django_db(transaction=True)

URL = LISTS["schedule"]
NAME = "verify the audit chains"


def start_beat(schedules: dict[str, object] = SCHEDULES) -> Scheduler:
    """What beat does when it starts, with these schedules in the code."""
    program = Celery("beat", set_as_current=False)
    program.conf.beat_schedule = schedules
    return Scheduler(app=program)


@pytest.fixture
def browser() -> Client:
    return as_("platform_admin", PlatformFactory())


def switch(browser: Client, name: str, reason: str = "maintenance") -> str:
    pk = PeriodicTask.objects.get(name=NAME).pk
    answer = browser.post(f"{URL}action/{name}/", {"pk": pk, "reason": reason}, follow=True)
    return text(answer)


def test_beat_starts_what_the_code_says() -> None:
    start_beat()

    assert set(PeriodicTask.objects.values_list("name", flat=True)) == set(app.conf.beat_schedule)
    assert all(PeriodicTask.objects.values_list("enabled", flat=True))


def test_a_schedule_switched_off_stays_off_when_beat_restarts(browser: Client) -> None:
    start_beat()

    page = switch(browser, "off")
    running = start_beat().schedule

    entry = AuditEntry.objects.get(action="schedule.disable")
    assert "switched off" in page
    assert (entry.object_id, entry.reason, entry.tenant.kind) == (NAME, "maintenance", "platform")
    assert not PeriodicTask.objects.get(name=NAME).enabled
    assert set(running) == set(SCHEDULES) - {NAME}


def test_a_schedule_switched_on_again_runs(browser: Client) -> None:
    start_beat()
    switch(browser, "off")

    switch(browser, "on")

    assert NAME in start_beat().schedule
    assert AuditEntry.objects.filter(action__startswith="schedule.").count() == 2


def test_a_running_beat_is_told_of_a_switch(browser: Client) -> None:
    beat = start_beat()
    before = PeriodicTasks.last_change()

    switch(browser, "off")

    assert PeriodicTasks.last_change() > before
    assert beat.schedule_changed()


def test_beat_keeps_when_it_ran_and_undoes_no_switch(browser: Client) -> None:
    beat = start_beat()
    beat.reserve(beat.schedule[NAME])
    switch(browser, "off")

    beat.sync()

    row = PeriodicTask.objects.get(name=NAME)
    assert (row.total_run_count, row.enabled) == (1, False)
    assert row.last_run_at is not None


def test_switching_off_what_is_off_is_said_and_not_written(browser: Client) -> None:
    start_beat()
    switch(browser, "off")

    page = switch(browser, "off")

    assert "It is off already." in page
    assert AuditEntry.objects.filter(action="schedule.disable").count() == 1


def test_a_schedule_that_left_the_code_leaves_the_console() -> None:
    start_beat()

    start_beat({name: row for name, row in SCHEDULES.items() if name != NAME})

    assert not PeriodicTask.objects.filter(name=NAME).exists()
    assert PeriodicTask.objects.count() == len(SCHEDULES) - 1


def test_the_list_shows_each_schedule_and_asks_the_same_however_many(browser: Client) -> None:
    some = dict(list(SCHEDULES.items())[:1])
    counts = []

    for schedules in (some, SCHEDULES):
        start_beat(schedules)
        with CaptureQueriesContext(connection) as asked:
            page = text(browser.get(URL))
        counts.append(len(asked))

    assert counts[0] == counts[1]
    assert all(name in page for name in SCHEDULES)
    assert "every 6 h" in page


def test_a_schedule_has_no_form_and_nothing_else_of_the_package_a_page(browser: Client) -> None:
    start_beat()
    pk = PeriodicTask.objects.get(name=NAME).pk

    refused = browser.post(f"{URL}{pk}/change/", {"task": "tenants.tasks.other"})
    others = [
        browser.get(f"/console/django_celery_beat/{name}/")
        for name in ("crontabschedule", "intervalschedule", "clockedschedule", "solarschedule")
    ]

    assert refused.status_code == 403
    assert [answer.status_code for answer in others] == [404] * 4
