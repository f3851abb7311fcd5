"""A night's way to staged and back: unless epochs came meanwhile, again on request, by index."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from noctis import errors
from recordings import refusals
from recordings.models import Recording
from recordings.services import erasure, nights
from tenants.models import AuditEntry, Tenant
from tests.calling import calling_as
from tests.factories import ACTOR, DeviceFactory, RecordingFactory, TenantFactory
from tests.recordings.nights import body, features, night_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


def closed_night(tenant: Tenant, epochs: int = 3) -> Recording:
    night = night_of(tenant)
    if epochs:
        send(night, 0, epochs)
    nights.close_recording(recording=night, ended_at=None)
    night.refresh_from_db()
    return night


def send(night: Recording, first: int, count: int) -> None:
    gateway = calling_as("ingest", night.tenant)
    answer = gateway("POST", "/v1/epochs:ingest", body(night, features(count), first))
    assert answer.status_code == 200


def status_of(night: Recording) -> str:
    night.refresh_from_db()
    return night.status


@pytest.mark.parametrize("epochs", [0, 3])
def test_a_closed_night_becomes_staged_once(tenant: Tenant, epochs: int) -> None:
    night = closed_night(tenant, epochs)
    before = night.updated_at

    first = nights.mark_staged(recording=night, received_at=night.last_epoch_received_at)
    again = nights.mark_staged(recording=night, received_at=night.last_epoch_received_at)

    assert (first, again, status_of(night)) == (True, False, "staged")
    assert night.updated_at > before


def test_a_night_that_grew_meanwhile_stays_due(tenant: Tenant) -> None:
    night = closed_night(tenant)
    seen = night.last_epoch_received_at
    send(night, 3, 1)

    marked = nights.mark_staged(recording=night, received_at=seen)

    assert (marked, status_of(night)) == (False, "closed")


def test_a_first_epoch_meanwhile_keeps_an_empty_night_due(tenant: Tenant) -> None:
    night = closed_night(tenant, epochs=0)
    send(night, 0, 1)

    marked = nights.mark_staged(recording=night, received_at=None)

    assert (marked, status_of(night)) == (False, "closed")


def test_an_open_night_is_not_marked(tenant: Tenant) -> None:
    night = night_of(tenant)

    assert not nights.mark_staged(recording=night, received_at=None)


def test_a_late_epoch_makes_a_staged_night_due_again(tenant: Tenant) -> None:
    night = closed_night(tenant)
    nights.mark_staged(recording=night, received_at=night.last_epoch_received_at)

    send(night, 7, 1)

    assert status_of(night) == "closed"


def test_staging_again_is_asked_for_with_a_reason(tenant: Tenant) -> None:
    night = closed_night(tenant)
    nights.mark_staged(recording=night, received_at=night.last_epoch_received_at)

    nights.stage_again(recording=night, actor=ACTOR, reason="another model serves")

    entry = AuditEntry.objects.get(action="recording.stage_again")
    assert status_of(night) == "closed"
    assert (entry.before, entry.after) == ({"status": "staged"}, {"status": "closed"})
    assert entry.reason == "another model serves"


def test_an_open_night_cannot_be_staged_again(tenant: Tenant) -> None:
    night = night_of(tenant)

    with pytest.raises(refusals.RecordingStillOpen):
        nights.stage_again(recording=night, actor=ACTOR, reason="too early")

    assert status_of(night) == "open"


def test_a_night_that_is_being_erased_cannot_be_staged_again(tenant: Tenant) -> None:
    night = closed_night(tenant)
    erasure.erase_recording(tenant=tenant, recording_uuid=night.uuid, actor=ACTOR)

    with pytest.raises(errors.Missing):
        nights.stage_again(recording=night, actor=ACTOR, reason="too late")


def test_what_others_keep_of_a_night_goes_with_it(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "_removers", [])
    night, seen = closed_night(tenant), []

    def note(*, recording: Recording) -> None:
        seen.append(recording.uuid)

    for _ in range(2):
        erasure.also_remove(remover=note)
    due = erasure.erase_recording(tenant=tenant, recording_uuid=night.uuid, actor=ACTOR)

    erasure.work_off(erasure_id=due.pk, actor=ACTOR)

    assert seen == [night.uuid]


def test_due_nights_are_found_by_their_index() -> None:
    device, now = DeviceFactory(), timezone.now()
    Recording.objects.bulk_create(
        Recording(
            tenant=device.tenant,
            device=device,
            started_at=now - timedelta(seconds=n),
            ended_at=now,
            night_on=now.date(),
            status="closed" if n % 500 == 0 else "staged",
            last_heard_at=now,
        )
        for n in range(5_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE recordings_recording")

    plan = Recording.objects.closed().order_by("-ended_at").explain()

    assert "recording_due" in plan
    assert "Seq Scan" not in plan


def test_ingest_touches_no_indexed_column_of_a_night(tenant: Tenant) -> None:
    night = RecordingFactory(device__tenant=tenant)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_stat_get_xact_tuples_hot_updated('recordings_recording'::regclass)"
        )
        (before,) = cursor.fetchone()
        # One of two finds room on its page, wherever other tests left the night's row.
        send(night, 0, 2)
        send(night, 2, 2)
        cursor.execute(
            "SELECT pg_stat_get_xact_tuples_hot_updated('recordings_recording'::regclass)"
        )
        (after,) = cursor.fetchone()

    assert after > before
