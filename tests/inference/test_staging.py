"""The night pass: once for each state of a night, whole or not at all, and never for nothing."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inference import engine, serving, tasks
from inference.engine import Window
from inference.models import Hypnogram, LiveCursor, Pass, Prediction, Role, StagingAttempt
from inference.refusals import ModelUnavailable
from inference.services import due, staging
from inference.statistics import night_statistics
from recordings.models import Epoch, FeatureSchema, Recording
from recordings.services import erasure, nights
from tests.factories import ACTOR
from tests.inference.staged import close, closed, opened, send, serve

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store", "shipped_schemas")]


def stage(night: Recording) -> Hypnogram | None:
    found = staging.stage_night(recording_id=night.pk)
    night.refresh_from_db()
    return found


def rows_of(night: Recording) -> list[Prediction]:
    return list(Prediction.objects.filter(recording_id=night.pk).order_by("window_end_ts"))


def counted(night: Recording) -> tuple[int, int]:
    return Prediction.objects.filter(recording_id=night.pk).count(), Hypnogram.objects.count()


def slow_matrix(night: Recording) -> np.ndarray:
    """One ORM row at a time, gaps where there is none."""
    rows = Epoch.objects.filter(recording_id=night.pk)
    matrix = np.full((night.last_index + 1, 15), np.nan, np.float32)
    for row in rows:
        matrix[row.epoch_index] = row.features
    return matrix


def test_a_closed_night_gets_its_stages_its_rows_and_its_state() -> None:
    served = serve()
    night = opened()
    send(night, 40)
    send(night, 30, first=50)
    close(night)

    found = stage(night)

    expected = engine.stage_night(served.model, engine.Night(slow_matrix(night)))
    assert night.status == "staged"
    assert found.disposition == "staged"
    assert found.stages == expected.stages.tolist()
    np.testing.assert_array_equal(np.float32(found.confidences), expected.confidence)
    assert found.coverage == np.mean(expected.stages >= 0)
    assert found.mean_confidence == pytest.approx(np.nanmean(expected.confidence))
    assert found.statistics == night_statistics(expected.stages, night.started_at).as_json


def test_each_stage_is_logged_as_the_hypnogram_has_it() -> None:
    served = serve()
    night = closed(count=30)

    found = stage(night)

    logged = rows_of(night)
    assert [row.epoch_index for row in logged] == np.flatnonzero(
        np.array(found.stages) >= 0
    ).tolist()
    assert [row.stage for row in logged] == [stage for stage in found.stages if stage >= 0]
    assert {(row.role, row.staging_pass, row.model_id, row.revision) for row in logged} == {
        (Role.PRODUCTION, Pass.NIGHT, served.model_id, 0)
    }
    assert {bytes(row.input_hash) for row in logged} == {bytes(found.input_hash)}


def test_a_night_is_in_bed_from_its_start_to_its_end() -> None:
    serve()
    night = opened()
    send(night, 20, first=10)
    close(night, night.started_at + timedelta(minutes=30))

    found = stage(night)

    assert found.statistics["covers"]["epochs"] == 60
    assert found.statistics["time_in_bed_min"] == 30
    assert found.statistics["unknown_min"] == pytest.approx(30 * (1 - found.coverage))
    assert found.statistics["sleep_onset_latency_min"] is None


def test_a_night_whose_end_is_far_off_is_a_day_at_most() -> None:
    serve()
    night = opened()
    send(night, 20)
    close(night, timezone.now() + timedelta(hours=23))

    found = stage(night)

    assert found.statistics["time_in_bed_min"] == 24 * 60


def test_staging_again_changes_nothing() -> None:
    serve()
    night = closed()
    first = stage(night)
    before = counted(night)

    again = stage(night)
    nights.stage_again(recording=night, actor=ACTOR, reason="to be sure")
    asked = stage(night)

    assert again is None
    assert asked == first
    assert (counted(night), night.status) == (before, "staged")


def test_an_epoch_that_came_late_gives_a_further_revision() -> None:
    serve()
    night = closed(count=30)
    first = stage(night)
    send(night, 5, first=30)
    assert night.status == "closed"

    second = stage(night)

    assert (first.revision, second.revision) == (0, 1)
    assert Hypnogram.objects.of(night).first() == second
    assert len(second.stages) == 35
    assert {row.revision for row in rows_of(night) if row.epoch_index < 30} == {0, 1}
    assert {row.revision for row in rows_of(night) if row.epoch_index >= 30} == {0}


def test_another_model_on_request_adds_a_hypnogram() -> None:
    serve("test-1")
    night = closed()
    first = stage(night)
    serve("test-2", seed=1)

    unasked = stage(night)
    nights.stage_again(recording=night, actor=ACTOR, reason="better now")
    second = stage(night)

    assert unasked is None
    assert (first.model.version, second.model.version) == ("test-1", "test-2")
    assert second.revision == 1
    assert Hypnogram.objects.filter(recording=night).count() == 2


def test_what_comes_while_a_night_is_being_staged_keeps_it_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve()
    night = closed()
    stage_for_good = staging.predictions.stage

    def overtaken(work: object) -> object:
        send(night, 1, first=60)
        return stage_for_good(work)

    monkeypatch.setattr(staging.predictions, "stage", overtaken)
    first = stage(night)
    monkeypatch.undo()
    state, before = night.status, counted(night)
    second = stage(night)

    assert (first, state, before) == (None, "closed", (0, 0))
    assert (len(second.stages), night.status) == (61, "staged")


@pytest.mark.parametrize("count", [0, 5])
def test_a_night_that_is_too_short_is_done_and_says_so(count: int) -> None:
    serve(window=Window(5, 0, 6))
    night = closed(count=count)

    found = stage(night)

    assert (found.disposition, found.stages, night.status) == (
        "not_enough_epochs",
        [-1] * count,
        "staged",
    )
    assert (found.coverage, found.mean_confidence) == (0, None)
    assert rows_of(night) == []


def test_a_night_in_another_schema_is_done_and_says_so() -> None:
    serve()
    night = closed(count=30)
    other = FeatureSchema.objects.get(is_active=False)
    Epoch.objects.filter(recording_id=night.pk, epoch_index__gte=20).update(schema_id=other.pk)

    found = stage(night)

    assert (found.disposition, found.stages, night.status) == ("schema_mismatch", [], "staged")
    assert found.statistics["unknown_min"] == 15
    assert rows_of(night) == []


def test_without_a_model_nights_wait_untried() -> None:
    night = closed()

    assert tasks.stage_due_nights() == 0

    assert not StagingAttempt.objects.exists()
    with pytest.raises(ModelUnavailable):
        stage(night)
    assert Recording.objects.get().status == "closed"


def test_a_night_that_fails_waits_and_its_failure_has_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve()
    night = closed()

    def broken(work: object) -> object:
        raise ZeroDivisionError("of P-0042")

    monkeypatch.setattr(staging.predictions, "stage", broken)
    claimed = due.claim(staging_pass=Pass.NIGHT)
    with pytest.raises(ZeroDivisionError):
        stage(night)

    attempt = StagingAttempt.objects.get()
    assert claimed == [night.pk]
    assert (attempt.failure, attempt.tries) == ("ZeroDivisionError", 1)
    assert attempt.due_again_at > timezone.now() + timedelta(seconds=10)
    assert due.claim(staging_pass=Pass.NIGHT) == []
    assert (counted(night), Recording.objects.get().status) == ((0, 0), "closed")


def test_a_half_kept_night_is_not_kept_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    serve()
    night = closed()

    def cut_short(**_: object) -> bool:
        raise ConnectionError

    monkeypatch.setattr(staging.nights, "mark_staged", cut_short)
    with pytest.raises(ConnectionError):
        stage(night)

    assert (counted(night), Recording.objects.get().status) == ((0, 0), "closed")


def test_a_staged_night_leaves_no_attempt_and_no_cursor() -> None:
    serve()
    night = opened()
    send(night, 10)
    staging.stage_live(recording_id=night.pk)
    send(night, 10, first=10)
    due.claim(staging_pass=Pass.LIVE)
    close(night)
    due.claim(staging_pass=Pass.NIGHT)

    stage(night)

    assert not StagingAttempt.objects.exists()
    assert not LiveCursor.objects.exists()


def test_a_night_that_is_gone_or_open_leaves_no_attempt() -> None:
    serve()
    night = closed()
    due.claim(staging_pass=Pass.NIGHT)
    Recording.objects.update(status="open", ended_at=None)

    assert stage(night) is None
    assert staging.stage_night(recording_id=10**6) is None

    assert not StagingAttempt.objects.exists()


def test_an_erased_night_takes_along_all_that_was_staged() -> None:
    serve()
    kept, night = closed(), closed()
    for each in (kept, night):
        stage(each)
        send(each, 1, first=70)
    due.claim(staging_pass=Pass.NIGHT)
    job = erasure.erase_recording(tenant=night.tenant, recording_uuid=night.uuid, actor=ACTOR)

    erasure.work_off(erasure_id=job.pk, actor=ACTOR)

    assert not Recording.objects.filter(pk=night.pk).exists()
    left = (rows_of(night), Hypnogram.objects.filter(recording_id=night.pk).count())
    assert left == ([], 0)
    assert len(rows_of(kept)) > 0
    assert Hypnogram.objects.filter(recording_id=kept.pk).count() == 1


def test_a_night_that_is_being_erased_is_not_staged_into() -> None:
    serve()
    night = closed()
    erasure.erase_recording(tenant=night.tenant, recording_uuid=night.uuid, actor=ACTOR)

    assert staging.stage_night(recording_id=night.pk) is None

    assert counted(night) == (0, 0)


def test_a_night_costs_the_same_number_of_questions_however_long() -> None:
    serve()
    asked = []
    for count in (10, 960):
        night = closed(count=count)
        with CaptureQueriesContext(connection) as captured:
            stage(night)
        asked.append(len(captured))

    assert asked[0] == asked[1] <= 20
    assert serving.current().night is not None
