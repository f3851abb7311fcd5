"""What is due is claimed once, left alone for a while, longer each time, and at once on news."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from inference.models import Hypnogram, LiveCursor, Pass, StagingAttempt
from inference.services import due
from noctis import errors
from recordings.models import Recording
from recordings.services import nights
from tenants.models import Tenant
from tests.factories import ACTOR, ModelVersionFactory, RecordingFactory, TenantFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shipped_schemas")]


def closed(**facts: object) -> Recording:
    night = RecordingFactory()
    nights.close_recording(recording=night, ended_at=None)
    return told(night, **facts)


def told(night: Recording, **facts: object) -> Recording:
    Recording.objects.filter(pk=night.pk).update(**facts)
    night.refresh_from_db()
    return night


def heard(seconds_ago: float = 60, tenant: Tenant | None = None) -> Recording:
    """An open night whose last epoch came so long ago."""
    night = RecordingFactory(device__tenant=tenant or TenantFactory())
    at = timezone.now() - timedelta(seconds=seconds_ago)
    return told(night, last_epoch_received_at=at, updated_at=at)


def later(seconds: float) -> None:
    """As if the attempts had been begun so much earlier."""
    for attempt in StagingAttempt.objects.all():
        attempt.due_again_at -= timedelta(seconds=seconds)
        attempt.save()


def test_a_closed_night_is_claimed_once() -> None:
    night = closed()
    RecordingFactory()

    first = due.claim(staging_pass=Pass.NIGHT)
    again = due.claim(staging_pass=Pass.NIGHT)

    assert (first, again) == ([night.pk], [])


@pytest.mark.parametrize("status", ["open", "staged", "erasing"])
def test_a_night_in_another_state_is_not_due(status: str) -> None:
    told(RecordingFactory(), status=status, ended_at=timezone.now() + timedelta(days=1))

    assert due.claim(staging_pass=Pass.NIGHT) == []


def test_a_claim_whose_worker_died_is_due_again_each_time_later() -> None:
    night, pauses = closed(), []
    for _ in range(12):
        assert due.claim(staging_pass=Pass.NIGHT) == [night.pk]
        attempt = StagingAttempt.objects.get()
        pauses.append((attempt.due_again_at - attempt.begun_at).total_seconds())
        later(pauses[-1] - 10)
        assert due.claim(staging_pass=Pass.NIGHT) == []
        later(10.5)

    assert pauses == [15, 30, 60, 120, 240, 480, 960, 1920, *[3600] * 4]
    assert StagingAttempt.objects.get().tries == 12


def test_a_night_that_changed_is_tried_at_once() -> None:
    night = closed()
    for _ in range(3):
        due.claim(staging_pass=Pass.NIGHT)
        later(3600)
    due.claim(staging_pass=Pass.NIGHT)

    nights.stage_again(recording=night, actor=ACTOR, reason="mended")

    assert due.claim(staging_pass=Pass.NIGHT) == [night.pk]
    attempt = StagingAttempt.objects.get()
    assert attempt.tries == 1
    assert attempt.due_again_at - attempt.begun_at == due.FIRST_PAUSE


def test_a_night_that_is_being_sent_waits_until_it_pauses() -> None:
    night = closed(last_epoch_received_at=timezone.now() + timedelta(seconds=10))

    assert due.claim(staging_pass=Pass.NIGHT) == []
    told(night, last_epoch_received_at=timezone.now() - timedelta(seconds=4))
    assert due.claim(staging_pass=Pass.NIGHT) == [night.pk]


@pytest.mark.parametrize(
    ("revisions", "early_s", "due_s"), [(1, 115, 125), (3, 355, 365), (15, 1795, 1805)]
)
def test_the_more_often_a_night_was_staged_the_longer_its_pause(
    revisions: int, early_s: int, due_s: int
) -> None:
    night = closed()
    model = ModelVersionFactory()
    for revision in range(revisions):
        Hypnogram.objects.create(
            tenant=night.tenant,
            recording=night,
            model=model,
            revision=revision,
            disposition="staged",
        )

    told(night, last_epoch_received_at=timezone.now() - timedelta(seconds=early_s))
    early = due.claim(staging_pass=Pass.NIGHT)
    told(night, last_epoch_received_at=timezone.now() - timedelta(seconds=due_s))

    assert (early, due.claim(staging_pass=Pass.NIGHT)) == ([], [night.pk])


@pytest.mark.parametrize("staging_pass", Pass)
def test_new_epochs_do_not_shorten_the_pause_of_what_fails(staging_pass: Pass) -> None:
    night = heard(60) if staging_pass == Pass.LIVE else closed()
    for _ in range(3):
        assert due.claim(staging_pass=staging_pass) == [night.pk]
        later(3600)
    assert due.claim(staging_pass=staging_pass) == [night.pk]

    at = timezone.now() - timedelta(seconds=5)
    told(night, last_epoch_received_at=at, updated_at=at)

    assert due.claim(staging_pass=staging_pass) == []
    later(120)
    assert due.claim(staging_pass=staging_pass) == [night.pk]
    assert StagingAttempt.objects.get().tries == 5


def test_a_sweep_is_bounded_and_takes_the_latest_nights_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(due, "MOST_AT_ONCE", 2)
    ended = [timezone.now() - timedelta(hours=hours) for hours in (8, 1, 3)]
    found = [closed(started_at=at, ended_at=at) for at in ended]

    first = due.claim(staging_pass=Pass.NIGHT)
    while_they_wait = due.claim(staging_pass=Pass.NIGHT)
    due.settle(recording_id=found[1].pk, staging_pass=Pass.NIGHT)
    Recording.objects.filter(pk=found[1].pk).update(status="staged")
    afterwards = due.claim(staging_pass=Pass.NIGHT)

    assert sorted(first) == sorted([found[1].pk, found[2].pk])
    assert (while_they_wait, afterwards) == ([], [found[0].pk])


def test_nights_that_fail_take_no_room_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due, "MOST_AT_ONCE", 1)
    closed()
    for _ in range(3):
        due.claim(staging_pass=Pass.NIGHT)
        StagingAttempt.objects.update(
            begun_at=timezone.now() - timedelta(minutes=5), due_again_at=timezone.now()
        )
    due.claim(staging_pass=Pass.NIGHT)
    StagingAttempt.objects.update(begun_at=timezone.now() - timedelta(minutes=1))

    sound = closed()

    assert due.claim(staging_pass=Pass.NIGHT) == [sound.pk]


def test_an_open_night_is_due_when_epochs_came_since_it_was_staged() -> None:
    night, still = heard(), heard()
    RecordingFactory()
    LiveCursor.objects.create(
        tenant=still.tenant, recording=still, staged_through=still.last_epoch_received_at
    )

    assert due.claim(staging_pass=Pass.LIVE) == [night.pk]
    told(still, last_epoch_received_at=timezone.now())
    assert due.claim(staging_pass=Pass.LIVE) == [still.pk]


def test_a_tenant_that_wants_no_live_stages_gets_none() -> None:
    heard(tenant=TenantFactory(stages_live=False))

    assert due.claim(staging_pass=Pass.LIVE) == []


def test_the_passes_are_claimed_apart() -> None:
    night = heard()
    due.claim(staging_pass=Pass.LIVE)

    nights.close_recording(recording=night, ended_at=None)

    assert due.claim(staging_pass=Pass.NIGHT) == [night.pk]


def test_what_was_settled_leaves_no_attempt() -> None:
    night = closed()
    due.claim(staging_pass=Pass.NIGHT)

    due.settle(recording_id=night.pk, staging_pass=Pass.NIGHT)

    assert not StagingAttempt.objects.exists()


@pytest.mark.parametrize(
    ("error", "said"),
    [(errors.Unavailable("at 10.0.0.3"), "db_error"), (ValueError("P-0042"), "ValueError")],
)
def test_a_failure_is_named_and_quotes_nothing(error: Exception, said: str) -> None:
    night = closed()
    due.claim(staging_pass=Pass.NIGHT)

    due.note_failure(recording_id=night.pk, staging_pass=Pass.NIGHT, error=error)

    assert StagingAttempt.objects.get().failure == said
    later(3600)
    due.claim(staging_pass=Pass.NIGHT)
    assert StagingAttempt.objects.get().failure == said


def test_the_sweep_looks_at_due_nights_alone() -> None:
    device, now = RecordingFactory().device, timezone.now()
    Recording.objects.bulk_create(
        Recording(
            tenant=device.tenant,
            device=device,
            started_at=now - timedelta(seconds=n + 10),
            ended_at=now,
            night_on=now.date(),
            status="closed" if n % 500 == 0 else "staged",
            last_heard_at=now,
        )
        for n in range(5_000)
    )
    values = {"pass": 1, "settles_after": due.SETTLES_AFTER, "most": due.MOST_AT_ONCE}
    values |= {"settling_more": timedelta(minutes=2), "longest_settling": due.LONGEST_SETTLING}
    values["first_pause"] = due.FIRST_PAUSE
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE recordings_recording")
        cursor.execute(f"EXPLAIN {due.due_of(staging_pass=Pass.NIGHT)}", values)
        plan = str(cursor.fetchall())

    assert "recording_due" in plan
    assert "Seq Scan on recordings_recording" not in plan
