"""Live staging: what came in since the last time, each epoch as if it were the newest one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from inference import engine, tasks
from inference.engine import Window
from inference.models import LiveCursor, Pass, Prediction, StagingAttempt
from inference.services import due, staging
from noctis.celery import app
from noctis.schedules import SCHEDULES
from recordings.models import Epoch, FeatureSchema, Recording
from recordings.services import erasure
from tests.factories import ACTOR, TenantFactory
from tests.inference.staged import close, closed, opened, send, serve
from tests.inference.test_staging import slow_matrix

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store", "shipped_schemas")]


def live(night: Recording) -> list[tuple[int, int]]:
    """Each epoch's index and stage, by its last revision, as the log has it."""
    rows = Prediction.objects.filter(recording_id=night.pk, staging_pass=Pass.LIVE)
    return list({row.epoch_index: row.stage for row in rows.order_by("revision")}.items())


def test_what_came_in_gets_the_stages_of_a_slow_walk() -> None:
    served = serve()
    night = opened()
    send(night, 12)
    send(night, 5, first=15)

    count = staging.stage_live(recording_id=night.pk)

    matrix, slow = slow_matrix(night), []
    for place in range(len(matrix)):
        until = engine.Night(matrix[: place + 1])
        (code,) = engine.stage_live(served.model, until, 1).stages.tolist()
        slow += [(place, code)] if code >= 0 else []
    assert sorted(live(night)) == slow
    assert count == len(slow)


def test_only_what_is_new_is_added() -> None:
    serve()
    night = opened()
    counts = []
    for first in (0, 20, 40):
        send(night, 20, first=first)
        staging.stage_live(recording_id=night.pk)
        counts.append(Prediction.objects.filter(recording_id=night.pk).count())

    assert counts == [20, 40, 60]
    assert set(Prediction.objects.values_list("revision", flat=True)) == {0}


def test_a_device_that_sends_twenty_at_a_time_is_staged_from_its_21st_epoch_on() -> None:
    serve(window=Window(20, 0, 21))
    night = opened()
    send(night, 20)
    first = staging.stage_live(recording_id=night.pk)

    send(night, 20, first=20)
    second = staging.stage_live(recording_id=night.pk)

    assert (first, second) == (0, 20)
    assert [index for index, _ in live(night)] == list(range(20, 40))


def test_a_late_epoch_changes_what_depends_on_it_and_nothing_else() -> None:
    served = serve()
    night = opened()
    send(night, 10)
    send(night, 30, first=11)
    staging.stage_live(recording_id=night.pk)

    send(night, 1, first=10)
    staging.stage_live(recording_id=night.pk)

    changed = Prediction.objects.filter(recording_id=night.pk, revision=1)
    reach = served.model.reach
    assert sorted(changed.values_list("epoch_index", flat=True)) == list(range(11, 10 + reach))
    assert [index for index, _ in live(night)].count(10) == 1


def test_a_staged_night_is_not_due_until_more_comes() -> None:
    serve()
    night = opened()
    send(night, 5)
    assert due.claim(staging_pass=Pass.LIVE) == [night.pk]

    staging.stage_live(recording_id=night.pk)

    assert due.claim(staging_pass=Pass.LIVE) == []
    assert not StagingAttempt.objects.exists()
    send(night, 1, first=5)
    assert due.claim(staging_pass=Pass.LIVE) == [night.pk]


def test_staging_twice_adds_nothing_and_the_cursor_never_goes_back() -> None:
    serve()
    night = opened()
    send(night, 8)
    ahead = timezone.now() + timedelta(days=1)

    for _ in range(2):
        staging.stage_live(recording_id=night.pk)
    LiveCursor.objects.update(staged_through=ahead)
    staging.stage_live(recording_id=night.pk)

    assert Prediction.objects.count() == 8
    assert LiveCursor.objects.get().staged_through == ahead


def test_a_night_in_another_schema_is_not_looked_at_again_and_again() -> None:
    serve()
    night = opened()
    send(night, 3)
    other = FeatureSchema.objects.get(is_active=False)
    Epoch.objects.filter(recording_id=night.pk).update(schema_id=other.pk)

    staged = staging.stage_live(recording_id=night.pk)

    assert staged == 0
    assert due.claim(staging_pass=Pass.LIVE) == []


def test_a_night_that_was_closed_meanwhile_is_left_to_the_night_pass() -> None:
    serve()
    night = closed()
    StagingAttempt.objects.create(
        tenant=night.tenant,
        recording=night,
        staging_pass=Pass.LIVE,
        of_state=night.updated_at,
        tries=1,
        begun_at=timezone.now(),
        due_again_at=timezone.now(),
    )

    assert staging.stage_live(recording_id=night.pk) == 0

    assert not Prediction.objects.exists()
    assert not StagingAttempt.objects.exists()


def test_live_and_night_stages_are_told_apart() -> None:
    serve()
    night = opened()
    send(night, 30)
    staging.stage_live(recording_id=night.pk)
    close(night)

    staging.stage_night(recording_id=night.pk)

    passes = Prediction.objects.filter(recording_id=night.pk).values_list("staging_pass", flat=True)
    assert sorted(passes) == [Pass.LIVE] * 30 + [Pass.NIGHT] * 30


def test_an_erased_night_is_not_staged_live() -> None:
    serve()
    night = opened()
    send(night, 5)
    erasure.erase_recording(tenant=night.tenant, recording_uuid=night.uuid, actor=ACTOR)

    assert staging.stage_live(recording_id=night.pk) == 0

    assert not Prediction.objects.exists()


def test_a_model_without_a_live_pass_leaves_open_nights_alone() -> None:
    serve(families=("night",))
    night = opened()
    send(night, 5)

    assert tasks.stage_due_live() == 0

    assert not StagingAttempt.objects.exists()


def test_the_sweeps_hand_each_night_to_a_task_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve()
    monkeypatch.setitem(app.conf, "task_always_eager", True)
    over, open_night, quiet = closed(), opened(), opened(TenantFactory(stages_live=False))
    for night in (open_night, quiet):
        send(night, 6)

    handed = (tasks.stage_due_nights(), tasks.stage_due_live())

    over.refresh_from_db()
    assert (handed, over.status) == ((1, 1), "staged")
    assert len(live(open_night)) == 6
    assert live(quiet) == []


def test_the_sweeps_run_every_few_seconds() -> None:
    schedules = {row["task"]: row["schedule"] for row in SCHEDULES.values()}

    assert schedules[tasks.stage_due_nights.name].total_seconds() <= 5
    assert schedules[tasks.stage_due_live.name].total_seconds() == 10
