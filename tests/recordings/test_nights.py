"""`/v1/recordings`: opened, started, closed; repeated, refused whole, strangers, roles, queries."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from devices.models import Device
from recordings.models import Recording
from tenants.models import AuditEntry, Tenant
from tests.calling import Calling, calling_as, codes
from tests.factories import DeviceFactory, RecordingFactory, TenantFactory

pytestmark = pytest.mark.django_db
FIELDS = {
    "id",
    "device_id",
    "started_at",
    "ended_at",
    "timezone",
    "subject",
    "status",
    "epoch_count",
    "created_at",
}


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory(timezone="Europe/Berlin", retention_days=30)


@pytest.fixture
def gateway(tenant: Tenant) -> Calling:
    return calling_as("ingest", tenant)


@pytest.fixture
def device(tenant: Tenant) -> Device:
    return DeviceFactory(tenant=tenant, external_id="NB-0042")


def ago(**span: float) -> str:
    return (timezone.now() - timedelta(**span)).isoformat()


def new(device: Device, **more: object) -> dict[str, object]:
    return {"device_id": str(device.uuid), "started_at": ago(hours=1)} | more


def test_a_night_is_opened_and_found_where_the_answer_says(
    gateway: Calling, device: Device
) -> None:
    start = datetime.now(ZoneInfo("Asia/Tokyo")) - timedelta(hours=1)
    body = new(device, started_at=start.isoformat(), timezone="Asia/Tokyo", subject="P-1.a_b")

    created = gateway("POST", "/v1/recordings", body)

    shown = gateway("GET", created["Location"])
    assert created.status_code == 201
    assert (created.json(), created["ETag"]) == (shown.json(), shown["ETag"])
    assert set(shown.json()) == FIELDS
    assert datetime.fromisoformat(shown.json()["started_at"]) == start
    assert shown.json()["started_at"].endswith("Z")
    assert (shown.json()["subject"], shown.json()["timezone"]) == ("P-1.a_b", "Asia/Tokyo")
    assert (shown.json()["status"], shown.json()["epoch_count"]) == ("open", 0)


def test_a_night_without_a_zone_has_its_tenants(gateway: Calling, device: Device) -> None:
    created = gateway("POST", "/v1/recordings", new(device)).json()

    assert (created["timezone"], created["subject"]) == ("Europe/Berlin", None)


def test_opening_the_same_night_again_is_a_conflict(gateway: Calling, device: Device) -> None:
    body = new(device)
    gateway("POST", "/v1/recordings", body)

    again = gateway("POST", "/v1/recordings", body)

    assert (again.status_code, again.json()["code"]) == (409, "recording_exists")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("subject", "ada@example.org", "invalid"),
        ("subject", "Ada Lovelace", "invalid"),
        ("subject", " P-1", "invalid"),
        ("subject", "P-1\n", "invalid"),
        ("subject", "x" * 65, "invalid"),
        ("subject", "Ünal", "invalid"),
        ("timezone", "Mars/Olympus", "unknown_time_zone"),
        ("timezone", "../../etc/passwd", "unknown_time_zone"),
        ("started_at", "2026-03-01T21:00:00", "bad_instant"),
        ("started_at", "yesterday", "bad_instant"),
        ("started_at", 1_772_000_000, "bad_instant"),
        ("started_at", "0001-01-01T00:00:00+14:00", "past_retention"),
        ("started_at", "9999-12-31T23:59:59-14:00", "out_of_range"),
        ("device_id", "no-id", "invalid"),
        ("night", "tonight", "unknown_field"),
    ],
)
def test_a_bad_field_refuses_the_whole_night(
    field: str, value: object, code: str, gateway: Calling, device: Device
) -> None:
    refused = gateway("POST", "/v1/recordings", new(device) | {field: value})

    if code == "past_retention":
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    else:
        assert refused.status_code == 422
        assert (f"/{field}", code) in codes(refused)
    assert isinstance(value, int) or value not in refused.content.decode()
    assert not Recording.objects.exists()


def test_a_start_lies_between_the_tenants_retention_and_a_day_ahead(
    gateway: Calling, device: Device
) -> None:
    def status(**offset: float) -> int:
        return gateway("POST", "/v1/recordings", new(device, started_at=ago(**offset))).status_code

    assert status(days=29, hours=23) == 201
    assert status(days=30, minutes=1) == 409
    assert status(hours=-23) == 201
    assert status(days=-1, minutes=-1) == 422


def test_a_device_that_is_not_there_is_not_found(gateway: Calling) -> None:
    refused = gateway("POST", "/v1/recordings", new(DeviceFactory()))

    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


def test_a_retired_device_begins_no_night(gateway: Calling, device: Device) -> None:
    device.status = "retired"
    device.save()

    opened = gateway("POST", "/v1/recordings", new(device))
    started = gateway("POST", "/v1/recordings:start", {"device_external_id": "NB-0042"})

    assert [opened.json()["code"], started.json()["code"]] == ["device_retired"] * 2
    assert [opened.status_code, started.status_code] == [409, 409]


def test_starting_closes_the_devices_open_night(gateway: Calling, device: Device) -> None:
    last = RecordingFactory(device=device)
    other = RecordingFactory(device__tenant=device.tenant)

    started = gateway("POST", "/v1/recordings:start", {"device_external_id": "NB-0042"})

    assert started.status_code == 201
    assert gateway("GET", started["Location"]).json()["device_id"] == str(device.uuid)
    still_open = {str(night.uuid) for night in Recording.objects.open()}
    assert still_open == {str(other.uuid), started.json()["id"]}
    last.refresh_from_db()
    assert (last.status, last.ended_at) == ("closed", last.started_at)


def test_starting_the_same_night_again_answers_the_same_night(
    gateway: Calling, device: Device
) -> None:
    body = {"device_external_id": "NB-0042", "started_at": ago(hours=2)}
    first = gateway("POST", "/v1/recordings:start", body)
    gateway("POST", f"/v1/recordings/{first.json()['id']}:close", {})

    again = gateway("POST", "/v1/recordings:start", body)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["status"] == "closed"


def test_starting_registers_a_device_that_gives_its_name(gateway: Calling, tenant: Tenant) -> None:
    body = {"device_external_id": "NB-7"}
    unknown = gateway("POST", "/v1/recordings:start", body)

    named = gateway("POST", "/v1/recordings:start", body | {"device_name": "bed 7"})

    assert (unknown.status_code, unknown.json()["code"]) == (404, "device_not_found")
    assert named.status_code == 201
    registered = Device.objects.owned_by(tenant).get(external_id="NB-7")
    assert (str(registered.uuid), registered.name) == (named.json()["device_id"], "bed 7")
    assert AuditEntry.objects.filter(action="device.register").count() == 1


def test_a_start_that_is_refused_registers_nothing(gateway: Calling) -> None:
    body = {"device_external_id": "NB-7", "device_name": "bed 7", "started_at": ago(days=31)}

    refused = gateway("POST", "/v1/recordings:start", body)

    assert refused.json()["code"] == "past_retention"
    assert not Device.objects.exists()
    assert not AuditEntry.objects.filter(action="device.register").exists()


def test_recording_waits_for_no_audit_entry(gateway: Calling, device: Device) -> None:
    before = AuditEntry.objects.count()

    started = gateway("POST", "/v1/recordings:start", {"device_external_id": "NB-0042"}).json()
    gateway("POST", f"/v1/recordings/{started['id']}:close", {})

    assert AuditEntry.objects.count() == before


def test_closing_says_when_the_night_ended_and_closing_again_says_the_same(
    gateway: Calling, device: Device
) -> None:
    night = RecordingFactory(device=device)
    end = (night.started_at + timedelta(hours=8)).astimezone(ZoneInfo("Asia/Tokyo"))
    path = f"/v1/recordings/{night.uuid}:close"

    first = gateway("POST", path, {"ended_at": end.isoformat()})
    again = gateway("POST", path, {})

    assert (first.status_code, first.json()["status"]) == (200, "closed")
    assert datetime.fromisoformat(first.json()["ended_at"]) == end
    assert (again.status_code, again.json(), again["ETag"]) == (200, first.json(), first["ETag"])


def test_closing_without_an_end_ends_where_the_last_epoch_does(
    gateway: Calling, device: Device
) -> None:
    night = RecordingFactory(device=device)
    Recording.objects.update(last_index=9)

    closed = gateway("POST", f"/v1/recordings/{night.uuid}:close", {}).json()

    end = night.started_at + timedelta(minutes=5)
    assert closed["ended_at"] == end.astimezone(UTC).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(("hours", "code"), [(-1, "out_of_range"), (24 + 25, "out_of_range")])
def test_an_end_outside_the_night_leaves_it_open(
    hours: int, code: str, gateway: Calling, device: Device
) -> None:
    night = RecordingFactory(device=device)
    end = (night.started_at + timedelta(hours=hours, minutes=1)).isoformat()

    refused = gateway("POST", f"/v1/recordings/{night.uuid}:close", {"ended_at": end})

    assert codes(refused) == {("/ended_at", code)}
    night.refresh_from_db()
    assert (night.status, night.ended_at) == ("open", None)


def test_a_reader_who_has_this_version_is_not_sent_it_again(
    gateway: Calling, device: Device
) -> None:
    path = f"/v1/recordings/{RecordingFactory(device=device).uuid}"
    seen = gateway("GET", path)["ETag"]

    same = gateway("GET", path, If_None_Match=f'"x", W/{seen}')
    gateway("POST", f"{path}:close", {})
    changed = gateway("GET", path, If_None_Match=seen)

    assert (same.status_code, same.content, same["ETag"]) == (304, b"", seen)
    assert changed.status_code == 200
    assert changed["ETag"] != seen


def test_the_list_is_filtered_by_what_the_contract_names(gateway: Calling, device: Device) -> None:
    first, second = RecordingFactory.create_batch(2, device=device)
    other = RecordingFactory(device__tenant=device.tenant)
    gateway("POST", f"/v1/recordings/{first.uuid}:close", {})
    Recording.objects.filter(pk=second.pk).update(updated_at="2026-03-01T21:00:00Z")

    def found(query: str) -> list[str]:
        return [row["id"] for row in gateway("GET", f"/v1/recordings?{query}").json()["items"]]

    start = second.started_at.isoformat().replace("+00:00", "Z")
    assert found("") == [str(night.uuid) for night in (other, second, first)]
    assert found(f"device_id={other.device.uuid}") == [str(other.uuid)]
    assert found(f"from={start}") == [str(other.uuid), str(second.uuid)]
    assert found(f"to={start}") == [str(first.uuid)]
    assert found("status=closed") == [str(first.uuid)]
    assert found("updated_since=2026-03-01T21:00:01Z&status=open") == [str(other.uuid)]
    assert found(f"device_id={DeviceFactory().uuid}") == []


def test_every_bad_filter_is_named(gateway: Calling) -> None:
    refused = gateway("GET", "/v1/recordings?device_id=x&from=now&status=erasing&until=x")

    assert codes(refused) == {("?until", "unknown_parameter")}
    refused = gateway("GET", "/v1/recordings?device_id=x&from=now&status=erasing")
    assert codes(refused) == {
        ("?device_id", "invalid"),
        ("?from", "bad_instant"),
        ("?status", "invalid_choice"),
    }


def test_the_ends_of_time_are_no_bad_filter(gateway: Calling, device: Device) -> None:
    RecordingFactory(device=device)
    query = "from=0001-01-01T00:00:00%2B14:00&to=9999-12-31T23:59:59-14:00"

    assert len(gateway("GET", f"/v1/recordings?{query}").json()["items"]) == 1


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("0318-02-18T00:25:37.79%2B16:25", 200),
        ("2026-03-01T21:00:00-23:59", 200),
        ("2026-03-01T21:00:00%2B15:59", 200),
        ("0001-01-01T00:00:00%2B23:00", 422),
        ("2026-03-01T21:00:00%2B24:00", 422),
    ],
)
def test_an_offset_that_the_database_does_not_know_breaks_nothing(
    gateway: Calling, told: str, status: int
) -> None:
    answers = [gateway("GET", f"/v1/recordings?{name}={told}") for name in ("updated_since", "to")]

    assert [answer.status_code for answer in answers] == [status] * 2


def test_a_list_costs_the_same_queries_however_long(gateway: Calling, tenant: Tenant) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert gateway("GET", "/v1/recordings").status_code == 200
        return len(captured)

    RecordingFactory(device__tenant=tenant)
    queries()
    one = queries()
    for _ in range(9):
        RecordingFactory(device__tenant=tenant)

    assert queries() == one == 1


@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("DELETE", ""), ("POST", ":close")])
def test_a_strangers_night_is_not_found(method: str, suffix: str) -> None:
    night = RecordingFactory()
    stranger = calling_as("admin", TenantFactory())

    answer = stranger(method, f"/v1/recordings/{night.uuid}{suffix}", {})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    night.refresh_from_db()
    assert night.status == "open"


@pytest.mark.parametrize("role", ["read", "reviewer", "ml_ops"])
def test_readers_may_look_and_not_record(role: str, tenant: Tenant, device: Device) -> None:
    reader, night = calling_as(role, tenant), RecordingFactory(device=device)

    answers = [
        reader("POST", "/v1/recordings", new(device)),
        reader("POST", "/v1/recordings:start", {"device_external_id": "NB-0042"}),
        reader("POST", f"/v1/recordings/{night.uuid}:close", {}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert reader("GET", f"/v1/recordings/{night.uuid}").status_code == 200


def test_a_bound_key_records_with_its_own_device(tenant: Tenant, device: Device) -> None:
    own = calling_as("ingest", tenant, device_uuid=device.uuid)

    opened = own("POST", "/v1/recordings", new(device))
    started = own("POST", "/v1/recordings:start", {"device_external_id": "NB-0042"})
    closed = own("POST", f"/v1/recordings/{started.json()['id']}:close", {})

    assert [a.status_code for a in (opened, started, closed)] == [201, 201, 200]
