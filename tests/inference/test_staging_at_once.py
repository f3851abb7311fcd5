"""Workers that meet on one night, with real transactions: one of them counts."""

import pytest

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


def test_sweeps_that_meet_claim_each_night_once() -> None:
    serve()
    nights = [closed(count=1) for _ in range(12)]

    found = at_once(lambda _: due.claim(staging_pass=Pass.NIGHT), 4)

    claimed = [pk for part in found for pk in part]
    assert sorted(claimed) == sorted(night.pk for night in nights)
