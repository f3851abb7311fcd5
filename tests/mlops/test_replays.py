"""Replays, night by night: staged anew, compared, counted once whatever befalls a worker."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inference.artifacts import files_of
from inference.models import Hypnogram, Prediction, Role
from inference.services import model_imports, staging
from mlops import tasks
from mlops.models import Replay, ReplayNight
from mlops.services import replaying, replays, restaging
from mlops.services.comparisons import Nights
from noctis import errors
from recordings.models import Recording
from recordings.services import erasure
from tenants.models import Tenant
from tests.factories import ACTOR, TenantFactory
from tests.inference import drafts
from tests.inference.conftest import empty_registry, store
from tests.inference.staged import DECISION, closed, serve
from tests.mlops.staged_nights import score

__all__ = ["empty_registry", "store"]
pytestmark = pytest.mark.django_db
BOTH = ["first", "second"]


@pytest.fixture(autouse=True)
def _versions(empty_registry: None, store: Path) -> None:
    serve("first", seed=1)
    draft = drafts.draft("second", drafts.linear(2))
    model_imports.import_version(files=files_of(draft), decision=DECISION)
    replaying._served.cache_clear()


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


def nights_of(tenant: Tenant, count: int = 3) -> list[Recording]:
    now = timezone.now().replace(microsecond=0)
    return [closed(tenant, 60, started_at=now - timedelta(days=day + 1)) for day in range(count)]


def requested(tenant: Tenant, versions: list[str] = BOTH, *, is_stored: bool = False) -> Replay:
    return replays.request_replay(
        tenant=tenant, versions=versions, nights=Nights(tenant), is_stored=is_stored, actor=ACTOR
    )


def worked_off() -> int:
    """As workers do, one chunk after the other."""
    counted = 0
    while claimed := replaying.claim_nights():
        for replay_id, nights in claimed:
            counted += replaying.work_off(replay_id=replay_id, nights=nights)
    replaying.sum_up()
    return counted


def done(replay: Replay) -> dict[str, Any]:
    worked_off()
    replay.refresh_from_db()
    assert replay.status == "done"
    report: dict[str, Any] = replay.report
    return report


def test_each_night_is_staged_by_both_and_compared(tenant: Tenant) -> None:
    nights = nights_of(tenant)
    score(nights[0], "W" * 30 + "L" * 30)
    staging.stage_night(recording_id=nights[1].pk)

    report = done(requested(tenant))

    assert report["nights"] == 3
    pairs = report["pairs"]
    assert pairs["a against b"]["nights"] == 3
    assert pairs["a against truth"]["nights"] == pairs["b against truth"]["nights"] == 1
    assert pairs["a against stored"]["kappa"] == 1
    assert sum(report["lines"]["a"]["minutes"].values()) == 90
    assert {one["night"] for one in report["most_different"]} == {str(n.uuid) for n in nights}
    assert "difference" in report


def test_one_version_is_compared_with_what_was_stored(tenant: Tenant) -> None:
    for night in nights_of(tenant):
        staging.stage_night(recording_id=night.pk)

    report = done(requested(tenant, ["second"]))

    assert report["pairs"]["a against stored"]["nights"] == 3
    assert report["most_different"]
    assert "a against b" not in report["pairs"]


def test_a_replay_changes_nothing_that_was_staged(tenant: Tenant) -> None:
    night = nights_of(tenant, 1)[0]
    staging.stage_night(recording_id=night.pk)
    before = [*Prediction.objects.order_by("window_end_ts").values("role", "stage", "revision")]

    done(requested(tenant))

    assert Hypnogram.objects.count() == 1
    assert [*Prediction.objects.order_by("window_end_ts").values("role", "stage", "revision")] == (
        before
    )


def test_stored_predictions_say_that_they_are_of_a_replay(tenant: Tenant) -> None:
    nights_of(tenant, 2)

    done(requested(tenant, is_stored=True))
    done(requested(tenant, is_stored=True))

    found = Prediction.objects.filter(tenant_id=tenant.pk)
    assert {*found.values_list("role", flat=True)} == {Role.REPLAY}
    # Two nights of 60 epochs by two versions: asked again the log has them already.
    assert found.count() == 240


def test_a_night_that_is_handed_out_twice_counts_once(tenant: Tenant) -> None:
    nights_of(tenant)
    replay = requested(tenant, is_stored=True)
    ((_, nights),) = replaying.claim_nights()

    counted = [replaying.work_off(replay_id=replay.pk, nights=nights) for _ in range(2)]

    assert counted == [3, 0]
    assert done(replay)["nights"] == 3


def test_two_workers_at_one_night_count_it_once(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights_of(tenant, 1)
    replay = requested(tenant)
    ((_, nights),) = replaying.claim_nights()
    counted = _second_worker_within(monkeypatch, replay, nights)

    first = replaying.work_off(replay_id=replay.pk, nights=nights)

    assert (counted[0], first) == (1, 0)
    assert done(replay)["nights"] == 1


def _second_worker_within(
    monkeypatch: pytest.MonkeyPatch, replay: Replay, nights: list[int]
) -> list[int]:
    """While the first one stages, another does the whole night."""
    stage: Callable[..., Any] = restaging.restage
    counted: list[int] = []

    def slowly(**asked: Any) -> Any:
        monkeypatch.setattr(restaging, "restage", stage)
        counted.append(replaying.work_off(replay_id=replay.pk, nights=nights))
        return stage(**asked)

    monkeypatch.setattr(restaging, "restage", slowly)
    return counted


def test_what_is_claimed_is_left_alone_until_the_claim_lapses(tenant: Tenant) -> None:
    nights_of(tenant)
    replay = requested(tenant)
    claimed = replaying.claim_nights()

    assert len(claimed[0][1]) == 3
    assert replaying.claim_nights() == []

    lapsed = timezone.now() - timedelta(seconds=1)
    ReplayNight.objects.update(held_until=lapsed)
    assert done(replay)["nights"] == 3


def test_no_more_is_claimed_than_workers_take_out(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights_of(tenant, 5)
    requested(tenant)
    monkeypatch.setattr(replaying, "MOST_AT_ONCE", 3)
    monkeypatch.setattr(replaying, "CHUNK", 2)

    claimed = replaying.claim_nights()

    assert [len(nights) for _, nights in claimed] == [2, 1]
    assert replaying.claim_nights() == []


def test_a_night_that_kills_its_worker_is_given_up_and_its_neighbours_are_not(
    tenant: Tenant,
) -> None:
    nights_of(tenant, 2)
    replay = requested(tenant)
    first = replay.members.order_by("pk").first()
    for _ in range(replaying.MOST_TRIES):
        # As a worker that is killed at it leaves it.
        assert replaying._begun(replay, first.pk) is not None
        ReplayNight.objects.update(held_until=timezone.now() - timedelta(seconds=1))

    report = done(replay)

    assert report["nights"] == 1
    assert report["left_out"] == {"worker_died": 1}
    assert replays.standing_of(replay=replay)["failed"] == 1


def test_a_night_in_another_schema_is_left_out_and_said_so(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = nights_of(tenant, 2)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE recordings_epoch SET schema_id = (SELECT max(id) FROM recordings_featureschema "
            "WHERE id <> schema_id) WHERE recording_id = %s",
            [nights[0].pk],
        )

    report = done(requested(tenant))

    assert (report["nights"], report["left_out"]) == (1, {"schema_mismatch": 1})


def test_an_erased_night_is_no_part_of_a_replay(tenant: Tenant) -> None:
    nights = nights_of(tenant, 2)
    replay = requested(tenant)
    erasure.erase_recording(tenant=tenant, recording_uuid=nights[0].uuid, actor=ACTOR)
    replaying.forget_night(recording=nights[0])

    assert done(replay)["nights"] == 1


def test_a_night_costs_the_same_number_of_queries_whichever_it_is(tenant: Tenant) -> None:
    nights_of(tenant, 4)
    replay = requested(tenant)
    nights = [*replay.members.values_list("pk", flat=True)]
    replaying.work_off(replay_id=replay.pk, nights=nights[:1])
    with CaptureQueriesContext(connection) as one:
        replaying.work_off(replay_id=replay.pk, nights=nights[1:2])

    with CaptureQueriesContext(connection) as two:
        replaying.work_off(replay_id=replay.pk, nights=nights[2:])

    assert len(two) - len(one) <= 9


def test_the_tasks_hand_out_and_sum_up(tenant: Tenant) -> None:
    nights_of(tenant, 2)
    replay = requested(tenant)
    nights = [night for _, claimed in replaying.claim_nights() for night in claimed]

    tasks.replay_nights(replay.pk, nights)

    replay.refresh_from_db()
    assert (replay.status, replay.report["nights"]) == ("done", 2)


def test_the_command_works_it_off_here(tenant: Tenant) -> None:
    nights_of(tenant, 2)
    out = StringIO()

    call_command("replay", "run", *BOTH, "--tenant", tenant.slug, "--here", "--json", stdout=out)
    listed = StringIO()
    call_command("replay", "list", "--tenant", tenant.slug, "--json", stdout=listed)

    found = json.loads(out.getvalue())
    assert (found["status"], found["report"]["nights"]) == ("done", 2)
    assert [row["id"] for row in json.loads(listed.getvalue())] == [found["id"]]
    shown = StringIO()
    call_command("replay", "show", found["id"][:8], "--tenant", tenant.slug, stdout=shown)
    assert "a against b" in shown.getvalue()


def test_a_platform_without_nights_says_so(tenant: Tenant) -> None:
    with pytest.raises(errors.Refusal, match="No closed night"):
        requested(tenant)
