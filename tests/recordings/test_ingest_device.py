"""`/v1/epochs:ingest-device`: a device that knows no ids finds its night, or opens one."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from devices.models import Device
from recordings.models import Epoch, Recording
from recordings.services import nights as services
from tenants.models import AuditEntry, Tenant
from tests.factories import PlatformFactory, TenantFactory
from tests.recordings.gateway import Gateway, problems
from tests.recordings.nights import device_of, features, listed, night_of, stored

pytestmark = pytest.mark.django_db
STARTED_AT = timezone.now().replace(microsecond=250_000) - timedelta(hours=8)
NOBODY = str(uuid4())


@pytest.fixture
def tenant() -> Tenant:
    PlatformFactory()
    return TenantFactory(timezone="Europe/Oslo")


@pytest.fixture
def gateway(tenant: Tenant) -> Gateway:
    return Gateway(tenant)


def measured(index: int, row: Any = None, off_s: float = 0) -> dict[str, Any]:
    at = STARTED_AT + timedelta(seconds=30 * index + off_s)
    values = listed(features(1, seed=index)[0]) if row is None else row
    return {"epoch_index": index, "epoch_start_ts": at.isoformat(), "metrics": values}


def sent(*indices: int, **fields: Any) -> dict[str, Any]:
    epochs = [measured(index) for index in indices or (0, 1, 2)]
    return {"device_external_id": "box-1", "epochs": epochs} | fields


def check_nothing_was_left(tenant: Tenant) -> None:
    assert not Recording.objects.exists()
    assert not Epoch.objects.exists()
    assert not Device.objects.exists()
    assert not AuditEntry.objects.filter(action="device.register").exists()


def test_an_unknown_device_with_a_name_is_registered_and_a_night_opened(
    gateway: Gateway, tenant: Tenant
) -> None:
    answer = gateway.ingest_device(sent(device_name="Bedside 1"))

    device = Device.objects.get(external_id="box-1")
    recording = Recording.objects.get()
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "device_id": str(device.uuid),
        "recording_id": str(recording.uuid),
        "received": 3,
        "inserted": 3,
        "duplicates": 0,
    }
    assert (device.tenant, device.name) == (tenant, "Bedside 1")
    assert (recording.device, recording.started_at) == (device, STARTED_AT)
    assert (recording.timezone, recording.status) == ("Europe/Oslo", "open")
    assert sorted(stored(recording)) == [0, 1, 2]
    assert AuditEntry.objects.filter(action="device.register").count() == 1


def test_repeating_a_device_s_batch_changes_nothing(gateway: Gateway) -> None:
    gateway.ingest_device(sent(device_name="Bedside 1"))

    again = gateway.ingest_device(sent(device_name="Another name")).json()

    assert (again["received"], again["inserted"], again["duplicates"]) == (3, 0, 3)
    assert (Recording.objects.count(), Device.objects.get().name) == (1, "Bedside 1")


def test_a_night_that_is_opened_late_begins_where_its_grid_does(
    gateway: Gateway, tenant: Tenant
) -> None:
    device_of(tenant, external_id="box-1")

    gateway.ingest_device(sent(201, 200, 203))

    assert Recording.objects.get().started_at == STARTED_AT


def test_the_open_recording_is_used_when_no_start_is_named(
    gateway: Gateway, tenant: Tenant
) -> None:
    still_open = night_of(tenant, STARTED_AT, external_id="box-1")
    night_of(tenant, name="someone else's")

    answer = gateway.ingest_device(sent())

    assert answer.json()["recording_id"] == str(still_open.uuid)
    assert sorted(stored(still_open)) == [0, 1, 2]


def test_a_night_that_the_sweep_closed_goes_on_though_the_device_s_clock_jitters(
    gateway: Gateway, tenant: Tenant
) -> None:
    night = night_of(tenant, STARTED_AT, external_id="box-1")
    services.close_recording(recording=night, ended_at=None)

    answer = gateway.ingest_device(sent(epochs=[measured(200, off_s=1.5), measured(201)]))

    assert answer.json()["recording_id"] == str(night.uuid)
    assert sorted(stored(Recording.objects.get())) == [200, 201]


def test_a_start_that_is_too_far_ahead_is_told_by_its_own_name(gateway: Gateway) -> None:
    ahead = (timezone.now() + timedelta(days=2)).isoformat()

    answer = gateway.ingest_device(sent(device_name="Bedside 1", recording_started_at=ahead))

    assert problems(answer) == [("/recording_started_at", "out_of_range")]


def test_a_recording_is_found_by_its_start_even_when_it_is_closed(
    gateway: Gateway, tenant: Tenant
) -> None:
    closed = night_of(tenant, STARTED_AT, external_id="box-1")
    services.close_recording(recording=closed, ended_at=None)

    answer = gateway.ingest_device(sent(recording_started_at=STARTED_AT.isoformat()))

    assert answer.json()["recording_id"] == str(closed.uuid)
    assert Recording.objects.get().status == "closed"


def test_a_recording_that_starts_then_is_opened_and_the_open_one_is_left(
    gateway: Gateway, tenant: Tenant
) -> None:
    earlier = night_of(tenant, STARTED_AT - timedelta(days=1), external_id="box-1")

    gateway.ingest_device(sent(recording_started_at=STARTED_AT.isoformat(), timezone="Asia/Tokyo"))

    opened = Recording.objects.exclude(pk=earlier.pk).get()
    assert (opened.started_at, opened.timezone) == (STARTED_AT, "Asia/Tokyo")
    assert not stored(earlier)


def test_a_recording_is_used_by_its_id(gateway: Gateway, tenant: Tenant) -> None:
    recording = night_of(tenant, STARTED_AT, external_id="box-1")

    answer = gateway.ingest_device(sent(recording_id=str(recording.uuid)))

    assert answer.status_code == 200
    assert len(stored(recording)) == 3


def test_a_device_reaches_no_other_device_s_recording(gateway: Gateway, tenant: Tenant) -> None:
    device_of(tenant, external_id="box-1")
    other = night_of(tenant, STARTED_AT, name="other", external_id="box-2")

    answer = gateway.ingest_device(sent(recording_id=str(other.uuid)))

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert not stored(other)


def test_an_unknown_device_without_a_name_is_not_found(gateway: Gateway, tenant: Tenant) -> None:
    answer = gateway.ingest_device(sent())

    assert (answer.status_code, answer.json()["code"]) == (404, "device_not_found")
    check_nothing_was_left(tenant)


def test_a_stranger_s_device_is_unknown(gateway: Gateway, tenant: Tenant) -> None:
    night = night_of(TenantFactory(), STARTED_AT, external_id="box-1")

    answer = gateway.ingest_device(sent(recording_id=str(night.uuid)))

    assert (answer.status_code, answer.json()["code"]) == (404, "device_not_found")
    assert not stored(night)


def test_a_key_of_one_device_speaks_for_no_other_and_is_told_alike(
    gateway: Gateway, tenant: Tenant
) -> None:
    own = device_of(tenant, external_id="box-1")
    device_of(tenant, external_id="box-2")
    bound = gateway.another(device_uuid=own.uuid)

    mine = gateway.ingest_device(sent(), who=bound)
    other = gateway.ingest_device(sent(device_external_id="box-2"), who=bound)
    absent = gateway.ingest_device(sent(device_external_id="box-3", device_name="x"), who=bound)

    assert mine.status_code == 200
    assert (other.status_code, absent.status_code) == (404, 404)
    assert other.json() | {"request_id": ""} == absent.json() | {"request_id": ""}
    assert Device.objects.count() == 2


BAD_FIELDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no external id": ({"device_external_id": ""}, "/device_external_id", "bad_text"),
    "long external id": ({"device_external_id": "x" * 121}, "/device_external_id", "bad_text"),
    "NUL in the id": ({"device_external_id": "a\0"}, "/device_external_id", "bad_text"),
    "NUL in the name": ({"device_name": "a\0"}, "/device_name", "bad_text"),
    "a number for a name": ({"device_name": 5}, "/device_name", "bad_text"),
    "malformed recording": ({"recording_id": "x"}, "/recording_id", "bad_uuid"),
    "naive start": (
        {"recording_started_at": "2026-11-20T22:00:00"},
        "/recording_started_at",
        "bad_instant",
    ),
    "no time zone": ({"timezone": "Mars/Base"}, "/timezone", "unknown_time_zone"),
    "a path for a time zone": ({"timezone": "../passwd"}, "/timezone", "unknown_time_zone"),
    "an empty time zone": ({"timezone": ""}, "/timezone", "unknown_time_zone"),
    "unknown field": ({"subject": "x"}, "/subject", "unknown_field"),
    "no epochs": ({"epochs": []}, "/epochs", "wrong_length"),
    "a column": ({"epochs": "AAAA"}, "/epochs", "wrong_type"),
    "a version": (
        {"epochs": [measured(0) | {"feature_schema_version": "noctis_v1"}]},
        "/epochs/0/feature_schema_version",
        "unknown_field",
    ),
    "14 metrics": ({"epochs": [measured(0, [1] * 14)]}, "/epochs/0/metrics", "wrong_length"),
}


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_a_bad_batch_of_a_device_is_refused_and_its_fault_named(
    gateway: Gateway, tenant: Tenant, name: str
) -> None:
    fields, pointer, code = BAD_FIELDS[name]

    answer = gateway.ingest_device(sent(device_name="Bedside 1") | fields)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    assert problems(answer) == [(pointer, code)]
    check_nothing_was_left(tenant)


def beside(off_s: float = 0, **fields: Any) -> dict[str, Any]:
    return sent(epochs=[measured(0), measured(1, off_s=off_s)], device_name="Bedside 1") | fields


LATER = {
    "off grid": (beside(off_s=16), 422, "epoch_off_grid"),
    "the start is off grid": (
        beside(recording_started_at=(STARTED_AT + timedelta(hours=1)).isoformat()),
        422,
        "epoch_off_grid",
    ),
    "future": (
        beside(recording_started_at=(timezone.now() + timedelta(days=2)).isoformat()),
        422,
        "validation_error",
    ),
    "past retention": (
        beside(recording_started_at="2020-01-01T00:00:00Z"),
        409,
        "past_retention",
    ),
    "before all time": (
        beside(recording_started_at="0001-01-01T00:00:00+14:00"),
        409,
        "past_retention",
    ),
    "after all time": (
        beside(recording_started_at="9999-12-31T23:59:59-14:00"),
        422,
        "validation_error",
    ),
    "an epoch before all time": (
        beside(epochs=[measured(2) | {"epoch_start_ts": "0001-01-01T00:00:00Z"}]),
        409,
        "past_retention",
    ),
    "an absent recording": (beside(recording_id=NOBODY), 404, "not_found"),
}


@pytest.mark.parametrize("name", LATER)
def test_a_batch_that_is_refused_late_leaves_no_night_and_no_device_behind(
    gateway: Gateway, tenant: Tenant, name: str
) -> None:
    body, status, code = LATER[name]

    answer = gateway.ingest_device(body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    check_nothing_was_left(tenant)


def test_a_conflict_writes_nothing(gateway: Gateway) -> None:
    gateway.ingest_device(sent(0, device_name="Bedside 1"))
    other = measured(0, [None] * 15)

    answer = gateway.ingest_device(sent(epochs=[other, measured(1)]))

    assert (answer.status_code, answer.json()["code"]) == (409, "epoch_conflict")
    assert sorted(stored(Recording.objects.get())) == [0]


def test_eight_first_batches_at_once_make_one_device_and_one_night(committed_rows: None) -> None:
    PlatformFactory()
    gateway = Gateway(TenantFactory())
    together = threading.Barrier(8)

    def write(index: int) -> int:
        body = sent(index, device_name="Bedside 1", recording_started_at=STARTED_AT.isoformat())
        together.wait()
        try:
            return int(gateway.ingest_device(body).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(write, range(8)))

    assert statuses == [200] * 8
    assert Device.objects.count() == 1
    assert sorted(stored(Recording.objects.get())) == list(range(8))
