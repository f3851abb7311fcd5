"""Workers that meet on one night, with real transactions: one of them counts."""

import threading
import time

import pytest
from django.db import transaction

from inference.models import Hypnogram, Pass, Prediction
from inference.services import due, staging
from recordings.models import Recording
from tests.inference.staged import closed, opened, send, serve
from tests.recordings.test_nights_sweep import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_rows", "store", "shipped_schemas"),
]


def counted(night: Recording) -> tuple[int, int]:
    logged = Prediction.objects.filter(recording_id=night.pk)
    return logged.count(), len(set(logged.values_list("epoch_index", "staging_pass")))


def test_workers_that_meet_on_a_night_stage_it_once() -> None:
    serve()
    night = closed(count=200)

    found = at_once(lambda _: staging.stage_night(recording_id=night.pk), 6)

    night.refresh_from_db()
    assert night.status == "staged"
    assert sum(row is not None for row in found) == 1
    assert Hypnogram.objects.filter(recording=night).count() == 1
    assert counted(night) == (200, 200)


def test_workers_that_meet_on_an_open_night_log_each_stage_once() -> None:
    serve()
    night = opened()
    send(night, 100)

    at_once(lambda _: staging.stage_live(recording_id=night.pk), 6)

    assert counted(night) == (100, 100)


def test_an_epoch_that_meets_its_nights_staging_is_staged_in_the_end() -> None:
    serve()
    night = closed(count=100)

    def meet(number: int) -> None:
        if number == 0:
            send(Recording.objects.select_related("tenant").get(pk=night.pk), 1, first=100)
        else:
            staging.stage_night(recording_id=night.pk)

    at_once(meet, 4)
    staging.stage_night(recording_id=night.pk)

    night.refresh_from_db()
    newest = Hypnogram.objects.of(night).first()
    assert (night.status, len(newest.stages)) == ("staged", 101)


def test_a_sweep_that_waited_for_another_claims_nothing_again() -> None:
    nights, is_claimed = [closed(count=1) for _ in range(3)], threading.Event()

    def sweep(number: int) -> list[int]:
        if number:
            is_claimed.wait(10)
            return due.claim(staging_pass=Pass.NIGHT)
        with transaction.atomic():
            claimed = due.claim(staging_pass=Pass.NIGHT)
            is_claimed.set()
            time.sleep(0.5)  # the other one looks while nothing of this is committed
        return claimed

    found = at_once(sweep, 2)

    assert sorted(found) == [[], sorted(night.pk for night in nights)]
