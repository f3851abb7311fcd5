"""A staged night is never made worse: by fewer epochs, another schema, or a model that cannot."""

import numpy as np
import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.utils import timezone

from inference import tasks
from inference.engine import Window
from inference.models import Hypnogram, Pass, Prediction, StagingAttempt
from inference.services import due, staging
from noctis.db.maintenance import maintenance
from recordings.models import Epoch, FeatureSchema, Recording
from recordings.refusals import EpochsGone
from recordings.services import nights
from tests.factories import ACTOR
from tests.inference.staged import closed, send, serve

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store", "shipped_schemas")]


def stage(night: Recording) -> Hypnogram | None:
    found = staging.stage_night(recording_id=night.pk)
    night.refresh_from_db()
    return found


def take(night: Recording, first: int = 0, *, is_counted: bool = True) -> None:
    """As retention does, night by night or with a whole chunk."""
    own = Epoch.objects.filter(recording_id=night.pk)
    own.filter(epoch_index__gte=first).delete()
    if is_counted:
        Recording.objects.filter(pk=night.pk).update(epoch_count=own.count())
    night.refresh_from_db()


@pytest.mark.parametrize("is_counted", [True, False])
def test_a_night_whose_epochs_are_gone_is_not_staged_again(is_counted: bool) -> None:
    serve()
    night = closed(count=30)
    stage(night)
    take(night, is_counted=is_counted)

    with pytest.raises(EpochsGone):
        nights.stage_again(recording=night, actor=ACTOR, reason="to see")

    night.refresh_from_db()
    assert night.status == "staged"


@pytest.mark.parametrize("left", [0, 20])
def test_fewer_epochs_than_before_supersede_nothing(left: int) -> None:
    serve()
    night = closed(count=30)
    first = stage(night)
    logged = Prediction.objects.count()
    take(night, left)
    send(night, 5, first=35)

    kept = stage(night)

    assert (kept, night.status) == (first, "staged")
    assert (Hypnogram.objects.get(), Prediction.objects.count()) == (first, logged)
    assert StagingAttempt.objects.get().failure == "epochs_gone"
    assert due.claim(staging_pass=Pass.NIGHT) == []


@pytest.mark.parametrize("again", ["stage_night", "stage_live"])
def test_why_a_night_was_kept_is_told_however_often_it_is_sent_for(again: str) -> None:
    serve()
    night = closed(count=30)
    stage(night)
    take(night, 15)
    Recording.objects.filter(pk=night.pk).update(status=Recording.Status.CLOSED)
    stage(night)

    getattr(staging, again)(recording_id=night.pk)

    kept = StagingAttempt.objects.get()
    assert (kept.failure, kept.tries) == ("epochs_gone", 0)


def test_a_try_that_is_no_longer_to_be_made_is_forgotten() -> None:
    serve()
    night = closed(count=30)
    due.claim(staging_pass=Pass.NIGHT)
    Recording.objects.filter(pk=night.pk).update(status=Recording.Status.STAGED)

    assert stage(night) is None
    assert not StagingAttempt.objects.exists()


def test_a_night_in_two_schemas_says_how_many_epochs_were_stored() -> None:
    serve()
    night = closed(count=30)
    other = FeatureSchema.objects.get(is_active=False)
    Epoch.objects.filter(recording_id=night.pk, epoch_index=29).update(schema_id=other.pk)

    first = stage(night)
    send(night, 2, first=30)
    Epoch.objects.filter(recording_id=night.pk, epoch_index=31).update(schema_id=other.pk)
    second = stage(night)

    assert (first.disposition, first.epoch_count) == ("schema_mismatch", 30)
    assert (second.disposition, second.epoch_count) == ("schema_mismatch", 32)


def test_an_epoch_in_another_schema_supersedes_nothing() -> None:
    serve()
    night = closed(count=30)
    first = stage(night)
    send(night, 1, first=30)
    other = FeatureSchema.objects.get(is_active=False)
    Epoch.objects.filter(recording_id=night.pk, epoch_index=30).update(schema_id=other.pk)

    kept = stage(night)

    assert (kept, Hypnogram.objects.get(), night.status) == (first, first, "staged")
    assert StagingAttempt.objects.get().failure == "schema_mismatch"


def test_a_model_that_asks_for_more_epochs_supersedes_nothing() -> None:
    serve("test-1")
    night = closed(count=5)
    first = stage(night)
    serve("test-2", window=Window(9, 0, 10))
    nights.stage_again(recording=night, actor=ACTOR, reason="to see")

    assert stage(night) == first
    assert StagingAttempt.objects.get().failure == "not_enough_epochs"


def test_a_night_that_was_kept_is_staged_anew_once_it_can_be() -> None:
    serve()
    night = closed(count=30)
    stage(night)
    take(night, 28)
    send(night, 1, first=35)
    stage(night)
    send(night, 1, first=29)
    send(night, 1, first=36)

    second = stage(night)

    assert (second.revision, second.epoch_count) == (1, 31)
    assert not StagingAttempt.objects.exists()


def test_a_night_that_could_not_be_staged_is_superseded_by_anything() -> None:
    serve(window=Window(9, 0, 10))
    night = closed(count=5)
    first = stage(night)
    take(night, 3)
    send(night, 1, first=5)

    assert stage(night).revision == first.revision + 1


def test_the_hypnogram_says_what_the_log_had_answered_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve()
    night = closed(count=30)
    stage(night)
    with maintenance():
        Prediction.objects.filter(epoch_index=12).update(stage=0, confidence=0.75)
        Hypnogram.objects.all().delete()
    nights.stage_again(recording=night, actor=ACTOR, reason="lost")

    found = stage(night)

    rows = Prediction.objects.filter(recording_id=night.pk).order_by("epoch_index")
    assert (found.stages[12], found.confidences[12]) == (0, 0.75)
    said = dict(rows.values_list("epoch_index", "stage"))
    assert [said.get(place, -1) for place in range(30)] == found.stages
    logged = np.float32([row.confidence for row in rows])
    held = np.float32(found.confidences)
    np.testing.assert_array_equal(logged, held[~np.isnan(held)])


@pytest.mark.parametrize("change", ["update", "delete"])
def test_a_hypnogram_is_for_good(change: str) -> None:
    serve()
    stage(closed(count=10))
    rows = Hypnogram.objects.all()

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        rows.update(coverage=1) if change == "update" else rows.delete()


def test_what_hangs_is_ended() -> None:
    for task in (tasks.stage_night, tasks.stage_live):
        assert 0 < task.soft_time_limit < task.time_limit <= 60


def test_a_night_that_somebody_holds_is_not_waited_for_without_end() -> None:
    serve()
    stage(closed(count=10))

    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == (staging.LOCK_TIMEOUT,)


def test_a_night_that_changed_meanwhile_is_due_without_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve()
    night = closed(count=10)
    due.claim(staging_pass=Pass.NIGHT)
    stage_for_good = staging.predictions.stage

    def overtaken(work: object) -> object:
        send(night, 1, first=10)
        return stage_for_good(work)

    monkeypatch.setattr(staging.predictions, "stage", overtaken)
    stage(night)

    Recording.objects.update(last_epoch_received_at=timezone.now() - due.SETTLES_AFTER * 2)
    assert due.claim(staging_pass=Pass.NIGHT) == [night.pk]
