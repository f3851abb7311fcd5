"""Abandoned nights are closed: which ones, once, by index; and writers who meet on a night."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from devices.models import Device
from noctis.schedules import SCHEDULES
from recordings import tasks
from recordings.models import Recording
from recordings.services import nights
from recordings.services.nights import Instrument, Night
from tests.factories import ACTOR, DeviceFactory, RecordingFactory

pytestmark = pytest.mark.django_db


def aged(opened_ago: timedelta, heard_ago: timedelta, **facts: object) -> Recording:
    """A night as it is so long after it was opened and after its device was last heard of."""
    night, now = RecordingFactory(), timezone.now()
    times = {"created_at": now - opened_ago, "last_heard_at": now - heard_ago}
    Recording.objects.filter(pk=night.pk).update(**times, **facts)
    return night


def status_of(night: Recording) -> str:
    night.refresh_from_db()
    return night.status


@pytest.mark.parametrize(
    ("opened_ago", "heard_ago", "status"),
    [
        (timedelta(minutes=59), timedelta(minutes=59), "open"),
        (timedelta(minutes=61), timedelta(minutes=61), "closed"),
        (timedelta(hours=8), timedelta(minutes=59), "open"),
        (timedelta(hours=8), timedelta(minutes=61), "closed"),
        (timedelta(hours=15, minutes=59), timedelta(0), "open"),
        (timedelta(hours=16, minutes=1), timedelta(0), "closed"),
    ],
)
def test_an_hour_of_silence_or_sixteen_hours_close_a_night(
    opened_ago: timedelta, heard_ago: timedelta, status: str
) -> None:
    night = aged(opened_ago, heard_ago)

    tasks.close_abandoned()

    assert status_of(night) == status


def test_a_swept_night_ends_with_its_last_epoch() -> None:
    night = aged(timedelta(hours=9), timedelta(hours=2), last_index=119)

    tasks.close_abandoned()

    night.refresh_from_db()
    assert night.ended_at == night.started_at + timedelta(hours=1)


def test_sweeping_again_changes_nothing() -> None:
    night = aged(timedelta(hours=9), timedelta(hours=2))
    first = tasks.close_abandoned()
    night.refresh_from_db()
    before = night.updated_at

    again = tasks.close_abandoned()

    night.refresh_from_db()
    assert (first, again, night.updated_at) == (1, 0, before)


def test_a_night_whose_device_spoke_up_meanwhile_stays_open() -> None:
    night = aged(timedelta(hours=9), timedelta(hours=2))
    due = Recording.objects.abandoned(timezone.now())
    Recording.objects.update(last_heard_at=timezone.now())

    closed = nights._close_if_still(due.filter(pk=night.pk))

    assert not closed
    assert status_of(night) == "open"


def test_the_sweep_reads_open_nights_by_their_index_alone() -> None:
    device = DeviceFactory()
    now = timezone.now()
    Recording.objects.bulk_create(
        Recording(
            tenant=device.tenant,
            device=device,
            started_at=now - timedelta(seconds=n),
            ended_at=None if n % 500 == 0 else now,
            night_on=now.date(),
            status="open" if n % 500 == 0 else "closed",
            last_heard_at=now,
        )
        for n in range(5_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE recordings_recording")

    plan = Recording.objects.abandoned(now).order_by("created_at").explain()

    assert "recording_still_open" in plan
    assert "Index Cond: (created_at" in plan
    assert "Seq Scan" not in plan
    assert "Sort" not in plan


def test_the_sweeps_run_every_minute() -> None:
    every_minute = {
        row["task"] for row in SCHEDULES.values() if row["schedule"] == timedelta(minutes=1)
    }

    assert {tasks.close_abandoned.name, tasks.erase_due.name} <= every_minute


def at_once(work: Callable[[int], object], count: int) -> list[object]:
    """Do it in so many threads, each with a connection of its own."""
    barrier, results = threading.Barrier(count), []

    def one(number: int) -> None:
        try:
            barrier.wait(timeout=10)
            results.append(work(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(results) == count
    return results


def start(device: Device, number: int, name: str | None = None) -> tuple[Recording, bool]:
    night = Night(device.created_at - timedelta(minutes=number))
    instrument = Instrument(device.external_id, name)
    return nights.start_recording(
        tenant=device.tenant, instrument=instrument, night=night, actor=ACTOR
    )


@pytest.mark.django_db(transaction=True)
def test_starts_that_meet_leave_one_open_night() -> None:
    device = DeviceFactory()

    at_once(lambda number: start(device, number), 8)

    assert Recording.objects.open().count() == 1
    assert Recording.objects.count() == 8


@pytest.mark.django_db(transaction=True)
def test_the_same_start_that_meets_itself_opens_one_night() -> None:
    device = DeviceFactory()

    started = at_once(lambda _: start(device, 0), 8)

    assert len({night.pk for night, _ in started}) == 1
    assert sum(is_new for _, is_new in started) == 1


@pytest.mark.django_db(transaction=True)
def test_first_starts_that_meet_register_one_device() -> None:
    unknown = DeviceFactory.build(tenant=DeviceFactory().tenant, created_at=timezone.now())

    at_once(lambda number: start(unknown, number, name="bed 9"), 8)

    assert Device.objects.called(unknown.external_id).count() == 1
    assert Recording.objects.open().count() == 1
