"""`/v1/devices`: works, repeated, refused whole, changed in between, strangers, roles, queries."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from devices import services
from devices.models import Device
from tenants.models import AuditEntry, ServiceClientKey, Tenant
from tests.calling import Calling, calling_as, codes
from tests.factories import ACTOR, DeviceFactory, KeyFactory, TenantFactory

pytestmark = pytest.mark.django_db
FIELDS = {
    "id",
    "name",
    "external_id",
    "model",
    "firmware_version",
    "status",
    "last_seen_at",
    "created_at",
}
NEW = {"name": "bed 12", "external_id": "NB-0042", "model": "one", "firmware_version": "1.0"}


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


@pytest.fixture
def gateway(tenant: Tenant) -> Calling:
    return calling_as("ingest", tenant)


@pytest.fixture
def device(tenant: Tenant) -> Device:
    return DeviceFactory(tenant=tenant, name="bed 1", external_id="NB-0001")


def test_a_device_is_registered_and_found_where_the_answer_says(gateway: Calling) -> None:
    created = gateway("POST", "/v1/devices", NEW)

    shown = gateway("GET", created["Location"])
    assert created.status_code == 201
    assert created.json() == shown.json()
    assert created["ETag"] == shown["ETag"]
    assert set(shown.json()) == FIELDS
    assert {name: shown.json()[name] for name in NEW} == NEW
    assert (shown.json()["status"], shown.json()["last_seen_at"]) == ("active", None)


def test_registering_and_changing_is_in_the_audit_log(gateway: Calling, tenant: Tenant) -> None:
    created = gateway("POST", "/v1/devices", NEW)
    gateway("PATCH", created["Location"], {"status": "retired"})

    entries = AuditEntry.objects.owned_by(tenant).filter(object_id=created.json()["id"])
    written = dict(entries.values_list("action", "after"))
    assert written["device.register"] == {"name": "bed 12", "external_id": "NB-0042"}
    assert written["device.change"] == {"status": "retired"}


def test_registering_the_same_external_id_again_is_a_conflict(gateway: Calling) -> None:
    gateway("POST", "/v1/devices", NEW)

    again = gateway("POST", "/v1/devices", NEW | {"name": "another"})

    assert (again.status_code, again.json()["code"]) == (409, "external_id_taken")
    assert Device.objects.count() == 1


def test_tenants_do_not_share_external_ids(gateway: Calling) -> None:
    stranger = calling_as("ingest", TenantFactory())
    gateway("POST", "/v1/devices", NEW)

    assert stranger("POST", "/v1/devices", NEW).status_code == 201


def test_any_number_of_devices_has_no_external_id(gateway: Calling) -> None:
    answers = [gateway("POST", "/v1/devices", {"name": "bed"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["external_id"] is None


def test_all_that_is_wrong_with_a_new_device_is_named_and_nothing_written(
    gateway: Calling,
) -> None:
    bad = {"external_id": "", "model": "x" * 61, "firmware_version": 1.5, "colour": "red"}

    refused = gateway("POST", "/v1/devices", bad)

    assert refused.status_code == 422
    assert codes(refused) == {
        ("/colour", "unknown_field"),
        ("/name", "required"),
        ("/external_id", "blank"),
        ("/model", "max_length"),
    }
    assert not Device.objects.exists()


def test_a_change_touches_only_what_is_sent(gateway: Calling, device: Device) -> None:
    before = gateway("GET", f"/v1/devices/{device.uuid}").json()

    changed = gateway("PATCH", f"/v1/devices/{device.uuid}", {"firmware_version": "2.0"})

    assert changed.status_code == 200
    assert changed.json() == before | {"firmware_version": "2.0"}


def test_repeating_a_change_changes_nothing(gateway: Calling, device: Device) -> None:
    body = {"name": "bed 7", "external_id": None}
    first = gateway("PATCH", f"/v1/devices/{device.uuid}", body)

    again = gateway("PATCH", f"/v1/devices/{device.uuid}", body)

    assert (again.json(), again["ETag"]) == (first.json(), first["ETag"])
    assert AuditEntry.objects.filter(action="device.change").count() == 1


def test_a_change_based_on_an_old_version_is_refused(gateway: Calling, device: Device) -> None:
    path = f"/v1/devices/{device.uuid}"
    seen = gateway("GET", path)["ETag"]
    current = gateway("PATCH", path, {"name": "first"}, If_Match=seen)

    stale = gateway("PATCH", path, {"name": "second"}, If_Match=seen)
    nonsense = gateway("PATCH", path, {"name": "second"}, If_Match="x")

    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert nonsense.status_code == 412
    assert gateway("GET", path).json()["name"] == "first"
    fresh = gateway("PATCH", path, {"name": "third"}, If_Match=f'"x", {current["ETag"]}')
    assert fresh.json()["name"] == "third"
    assert gateway("PATCH", path, {"name": "fourth"}, If_Match="*").status_code == 200


def test_being_heard_of_leaves_the_version(gateway: Calling, device: Device) -> None:
    seen = gateway("GET", f"/v1/devices/{device.uuid}")["ETag"]
    Device.objects.update(last_seen_at="2026-03-01T21:00:00Z")

    shown = gateway("GET", f"/v1/devices/{device.uuid}")

    assert shown["ETag"] == seen
    assert shown.json()["last_seen_at"] == "2026-03-01T21:00:00Z"


def test_a_change_to_a_taken_external_id_changes_nothing(
    gateway: Calling, device: Device, tenant: Tenant
) -> None:
    DeviceFactory(tenant=tenant, external_id="NB-0002")
    body = {"name": "new", "external_id": "NB-0002"}

    refused = gateway("PATCH", f"/v1/devices/{device.uuid}", body)

    assert (refused.status_code, refused.json()["code"]) == (409, "external_id_taken")
    device.refresh_from_db()
    assert (device.name, device.external_id) == ("bed 1", "NB-0001")


def test_a_change_to_no_state_is_refused(gateway: Calling, device: Device) -> None:
    body = {"status": "sold", "id": "x"}

    refused = gateway("PATCH", f"/v1/devices/{device.uuid}", body)

    assert codes(refused) == {("/id", "unknown_field"), ("/status", "invalid_choice")}
    assert "sold" not in refused.content.decode()


def test_the_list_is_filtered_by_what_the_contract_names(
    gateway: Calling, device: Device, tenant: Tenant
) -> None:
    retired = DeviceFactory(tenant=tenant, status="retired")
    Device.objects.filter(pk=device.pk).update(updated_at="2026-03-01T21:00:00Z")

    def found(query: str) -> set[str]:
        return {row["id"] for row in gateway("GET", f"/v1/devices?{query}").json()["items"]}

    assert found("") == {str(device.uuid), str(retired.uuid)}
    assert found("external_id=NB-0001") == {str(device.uuid)}
    assert found("status=retired") == {str(retired.uuid)}
    assert found("updated_since=2026-03-01T21:00:01Z") == {str(retired.uuid)}
    assert found("updated_since=2026-03-01T22:00:00%2B01:00&status=active") == {str(device.uuid)}


def test_every_bad_filter_is_named(gateway: Calling) -> None:
    refused = gateway("GET", "/v1/devices?status=sold&updated_since=2026-03-01T21:00:00")

    assert refused.status_code == 422
    assert codes(refused) == {("?status", "invalid_choice"), ("?updated_since", "bad_instant")}


def test_pages_show_every_device_once_newest_first(gateway: Calling, tenant: Tenant) -> None:
    devices = DeviceFactory.create_batch(5, tenant=tenant)

    path, seen = "/v1/devices?limit=2", []
    while path:
        page = gateway("GET", path).json()
        seen += [row["id"] for row in page["items"]]
        path = page["next"]

    assert seen == [str(device.uuid) for device in reversed(devices)]


def test_a_list_costs_the_same_queries_however_long(gateway: Calling, tenant: Tenant) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert gateway("GET", "/v1/devices").status_code == 200
        return len(captured)

    DeviceFactory(tenant=tenant)
    queries()
    one = queries()
    DeviceFactory.create_batch(20, tenant=tenant)

    assert queries() == one == 1


@pytest.mark.parametrize(
    ("method", "suffix"), [("GET", ""), ("PATCH", ""), ("POST", "/credentials")]
)
def test_a_strangers_device_is_not_found(method: str, suffix: str) -> None:
    device = DeviceFactory()
    stranger = calling_as("admin", TenantFactory())

    answer = stranger(method, f"/v1/devices/{device.uuid}{suffix}", {})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("role", ["read", "reviewer", "ml_ops"])
def test_readers_may_look_and_not_touch(role: str, tenant: Tenant, device: Device) -> None:
    reader, path = calling_as(role, tenant), f"/v1/devices/{device.uuid}"

    answers = [
        reader("POST", "/v1/devices", NEW),
        reader("PATCH", path, {"name": "x"}),
        reader("POST", f"{path}/credentials", {}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert reader("GET", path).status_code == 200


def test_a_key_cannot_be_bound_to_a_device_of_another_tenant() -> None:
    key, foreign = KeyFactory().key, DeviceFactory()

    ServiceClientKey.objects.filter(pk=key.pk).update(device_uuid=foreign.uuid)

    with pytest.raises(IntegrityError, match="key_device_of_tenant"), transaction.atomic():
        connection.check_constraints()
    ServiceClientKey.objects.filter(pk=key.pk).update(device_uuid=None)


def test_a_registration_that_fails_leaves_no_audit_entry(tenant: Tenant, device: Device) -> None:
    before = AuditEntry.objects.count()

    with pytest.raises(services.ExternalIdTaken):
        services.register_device(
            tenant=tenant, facts={"name": "x", "external_id": device.external_id}, actor=ACTOR
        )

    assert AuditEntry.objects.count() == before
