"""Erasure: asked for, worked off, interrupted, asked again; strangers, roles, nothing left."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis import Redis

from devices.models import Device
from recordings import tasks
from recordings.models import Epoch, Erasure, ExportMark, LabelSet, Recording
from recordings.services import erasure
from tenants.models import AuditEntry, Tenant
from tests.calling import Calling, calling_as
from tests.factories import ACTOR, DeviceFactory, TenantFactory
from tests.recordings.full_nights import full_night
from tests.recordings.nights import body, features

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


@pytest.fixture
def admin(tenant: Tenant) -> Calling:
    return calling_as("admin", tenant)


@pytest.fixture
def device(tenant: Tenant) -> Device:
    return DeviceFactory(tenant=tenant)


@pytest.fixture
def night(device: Device) -> Recording:
    return full_night(device)


def rows_of(night: Recording) -> list[int]:
    return [
        Epoch.objects.filter(recording_id=night.pk).count(),
        LabelSet.objects.filter(recording_id=night.pk).count(),
        ExportMark.objects.filter(recording_id=night.pk).count(),
        Recording.objects.filter(pk=night.pk).count(),
    ]


def work_off(job: dict[str, object]) -> Erasure:
    row = Erasure.objects.get(uuid=job["id"])
    tasks.erase(row.pk)
    row.refresh_from_db()
    return row


def test_an_erased_night_leaves_nothing_but_the_report(
    admin: Calling, night: Recording, device: Device
) -> None:
    kept = full_night(device)
    asked = admin("DELETE", f"/v1/recordings/{night.uuid}")

    work_off(asked.json())

    report = admin("GET", asked["Location"]).json()
    assert (asked.status_code, asked.json()["status"]) == (202, "due")
    assert asked["Location"] == f"/v1/erasures/{asked.json()['id']}"
    assert (report["status"], report["recording_id"]) == ("done", str(night.uuid))
    assert (report["recordings_erased"], report["epochs_erased"]) == (1, 20)
    assert report["done_at"]
    assert rows_of(night) == [0, 0, 0, 0]
    assert rows_of(kept) == [20, 1, 1, 1]


def test_an_erased_subject_is_named_nowhere(
    admin: Calling, device: Device, night: Recording
) -> None:
    second = full_night(device)
    kept = full_night(device, subject="P-2")

    done = work_off(admin("DELETE", "/v1/subjects/P-1").json())

    assert (done.recordings_erased, done.epochs_erased, done.subject) == (2, 40, "")
    assert [rows_of(night), rows_of(second), rows_of(kept)[0]] == [[0] * 4, [0] * 4, 20]
    audited = json.dumps(list(AuditEntry.objects.values("before", "after", "reason")))
    assert "P-1" not in audited


def test_from_the_moment_it_is_asked_for_the_night_is_not_there(
    admin: Calling, night: Recording, device: Device
) -> None:
    path = f"/v1/recordings/{night.uuid}"
    admin("DELETE", path)

    same_start = {
        "device_external_id": device.external_id,
        "started_at": night.started_at.isoformat(),
    }
    answers = {
        "read": admin("GET", path).status_code,
        "close": admin("POST", f"{path}:close", {}).status_code,
        "epochs": admin("POST", "/v1/epochs:ingest", body(night, features(1), 99)).status_code,
        "start": admin("POST", "/v1/recordings:start", same_start).status_code,
    }

    assert answers == {"read": 404, "close": 404, "epochs": 404, "start": 409}
    assert admin("GET", "/v1/recordings").json()["items"] == []
    assert tasks.close_abandoned() == 0


def test_asking_again_is_the_same_job_until_it_is_done(admin: Calling, night: Recording) -> None:
    path = f"/v1/recordings/{night.uuid}"
    first = admin("DELETE", path)

    again = admin("DELETE", path)
    work_off(first.json())
    afterwards = admin("DELETE", path)

    assert (again.status_code, again.json()) == (202, first.json())
    assert afterwards.status_code == 404
    assert AuditEntry.objects.filter(action="erasure.request").count() == 1


def test_asking_for_a_subject_again_takes_later_nights_too(
    admin: Calling, night: Recording, device: Device
) -> None:
    first = admin("DELETE", "/v1/subjects/P-1").json()
    same = admin("DELETE", "/v1/subjects/P-1").json()
    later = full_night(device)

    second = admin("DELETE", "/v1/subjects/P-1").json()
    reports = [work_off(first), work_off(second)]

    assert same["id"] == first["id"] != second["id"]
    assert [report.status for report in reports] == ["done", "done"]
    assert sum(report.recordings_erased for report in reports) == 2
    assert rows_of(later) == [0, 0, 0, 0]


def test_a_night_of_a_subject_that_is_erased_already_is_not_there(
    admin: Calling, night: Recording
) -> None:
    admin("DELETE", "/v1/subjects/P-1")

    assert admin("DELETE", f"/v1/recordings/{night.uuid}").status_code == 404


def test_it_is_audited_when_asked_for_and_when_done(
    admin: Calling, night: Recording, tenant: Tenant
) -> None:
    job = admin("DELETE", f"/v1/recordings/{night.uuid}").json()
    work_off(job)

    entries = AuditEntry.objects.owned_by(tenant).filter(object_id=job["id"]).order_by("sequence")
    assert list(entries.values_list("action", "channel", "after")) == [
        ("erasure.request", "api", {"recording_uuid": str(night.uuid), "recordings": 1}),
        (
            "erasure.done",
            "task",
            {"recording_uuid": str(night.uuid), "recordings": 1, "epochs": 20},
        ),
    ]


def test_what_was_interrupted_goes_on_and_counts_every_epoch_once(
    admin: Calling, device: Device
) -> None:
    for _ in range(3):
        full_night(device)
    job = admin("DELETE", "/v1/subjects/P-1").json()
    pk = Erasure.objects.get().pk
    erasure._forget_one(pk, ACTOR)

    with transaction.atomic():
        erasure._forget_one(pk, ACTOR)
        transaction.set_rollback(True)
    halfway, left = Erasure.objects.get(), Epoch.objects.count()
    done = work_off(job)

    assert (halfway.status, halfway.recordings_erased, halfway.epochs_erased) == ("due", 1, 20)
    assert left == 40
    assert (done.status, done.recordings_erased, done.epochs_erased) == ("done", 3, 60)


@pytest.fixture
def queue() -> Iterator[Callable[[], int]]:
    """How many messages wait for a worker; there is none in tests."""
    with Redis.from_url(settings.REDIS_URL) as broker:
        broker.delete("celery")
        yield lambda: broker.llen("celery")
        broker.delete("celery")


def test_asking_wakes_a_worker(
    admin: Calling,
    night: Recording,
    queue: Callable[[], int],
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[list[object]]],
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        admin("DELETE", f"/v1/recordings/{night.uuid}")

    assert queue() == 1


def test_the_sweep_finds_what_a_lost_message_left(
    admin: Calling, night: Recording, device: Device, queue: Callable[[], int]
) -> None:
    work_off(admin("DELETE", f"/v1/recordings/{night.uuid}").json())
    admin("DELETE", f"/v1/recordings/{full_night(device).uuid}")

    tasks.erase_due()

    assert queue() == 1


def test_working_off_what_is_done_changes_nothing(admin: Calling, night: Recording) -> None:
    job = admin("DELETE", f"/v1/recordings/{night.uuid}").json()
    first = work_off(job)

    again = work_off(job)

    assert (again.done_at, again.epochs_erased) == (first.done_at, 20)
    assert AuditEntry.objects.filter(action="erasure.done").count() == 1


def test_a_night_costs_the_same_statements_however_many_epochs(
    admin: Calling, device: Device
) -> None:
    def statements(count: int) -> int:
        night = full_night(device, subject="", count=count)
        row = erasure.erase_recording(tenant=device.tenant, recording_uuid=night.uuid, actor=ACTOR)
        with CaptureQueriesContext(connection) as captured:
            tasks.erase(row.pk)
        return len(captured)

    assert statements(500) == statements(5)


def test_a_done_erasure_cannot_keep_its_subject(night: Recording, tenant: Tenant) -> None:
    row = Erasure.objects.create(tenant=tenant, subject="P-1", requested_by="x")
    row.status, row.done_at = "done", timezone.now()

    with pytest.raises(IntegrityError, match="forgets_subject"), transaction.atomic():
        row.save()


def test_a_subject_is_a_pseudonym_whatever_writes_it(night: Recording) -> None:
    night.subject = "ada@example.org"

    with pytest.raises(IntegrityError, match="subject_is_pseudonym"), transaction.atomic():
        night.save()


@pytest.mark.parametrize("path", ["/v1/subjects/P-9", "/v1/subjects/a%40b", "/v1/recordings/x"])
def test_what_is_not_there_is_not_found(path: str, admin: Calling, night: Recording) -> None:
    assert admin("DELETE", path).status_code == 404


def test_a_stranger_erases_and_learns_nothing(night: Recording, admin: Calling) -> None:
    stranger = calling_as("admin", TenantFactory())
    refused = [
        stranger("DELETE", f"/v1/recordings/{night.uuid}"),
        stranger("DELETE", "/v1/subjects/P-1"),
    ]

    job = admin("DELETE", f"/v1/recordings/{night.uuid}")

    assert [answer.status_code for answer in refused] == [404, 404]
    assert stranger("GET", job["Location"]).status_code == 404
    assert rows_of(night)[0] == 20


@pytest.mark.parametrize("role", ["ingest", "read", "reviewer", "ml_ops"])
def test_only_an_admin_erases(role: str, night: Recording, tenant: Tenant) -> None:
    other = calling_as(role, tenant)

    answers = [
        other("DELETE", f"/v1/recordings/{night.uuid}"),
        other("DELETE", "/v1/subjects/P-1"),
        other("GET", f"/v1/erasures/{night.uuid}"),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_an_open_night_can_be_erased_and_has_no_end(admin: Calling, night: Recording) -> None:
    Recording.objects.update(last_heard_at=timezone.now() - timedelta(hours=2))

    assert admin("DELETE", f"/v1/recordings/{night.uuid}").status_code == 202
    night.refresh_from_db()
    assert (night.status, night.ended_at) == ("erasing", None)


def test_every_thread_of_a_web_worker_sends_to_our_broker() -> None:
    named: list[str] = []
    thread = threading.Thread(target=lambda: named.append(tasks.erase.app.main))
    thread.start()
    thread.join(timeout=5)

    assert named == ["noctis"]
