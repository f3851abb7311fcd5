"""`POST /v1/devices/{id}/credentials`: a key that can record with its device and nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from devices.models import Device
from devices.services import client_name
from tenants.models import AuditEntry, ServiceClientKey, Tenant
from tenants.services.clients import create_client, rotate_key
from tests.calling import Calling, calling_as, codes
from tests.factories import ACTOR, DeviceFactory, RecordingFactory, TenantFactory
from tests.tokens import Members, Signatory, public_pem

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


def path_of(device: Device) -> str:
    return f"/v1/devices/{device.uuid}/credentials"


def as_device(credential: Members) -> Calling:
    """The device itself, with nothing but what the answer told."""
    return Calling(
        Signatory(
            kid=credential["kid"],
            algorithm=credential["algorithm"],
            secret=credential["secret"],
            subject=credential["client_id"],
            tenant=credential["tenant_id"],
        )
    )


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA", "ES256", "RS256"])
def test_a_device_records_with_what_it_was_given(
    algorithm: str, admin: Calling, device: Device
) -> None:
    pem = {} if algorithm == "HS256" else {"public_key": public_pem(algorithm)}

    issued = admin("POST", path_of(device), {"algorithm": algorithm, **pem})

    own = as_device(issued.json())
    assert issued.status_code == 201
    assert (issued.json()["secret"] is None) == bool(pem)
    assert issued.json()["device_id"] == str(device.uuid)
    body = {"device_id": str(device.uuid), "started_at": timezone.now().isoformat()}
    assert own("POST", "/v1/recordings", body).status_code == 201


def test_a_public_key_alone_is_taken_for_eddsa(admin: Calling, device: Device) -> None:
    issued = admin("POST", path_of(device), {"public_key": public_pem("EdDSA")})

    assert (issued.status_code, issued.json()["algorithm"]) == (201, "EdDSA")


def test_another_credential_stands_beside_the_first(admin: Calling, device: Device) -> None:
    first, second = (admin("POST", path_of(device), {}).json() for _ in range(2))

    assert first["client_id"] == second["client_id"]
    assert first["kid"] != second["kid"]
    assert as_device(first)("GET", "/v1/whoami").status_code == 200
    assert as_device(second)("GET", "/v1/whoami").json()["device_id"] == str(device.uuid)


def test_a_credential_is_in_the_audit_log_without_its_secret(
    admin: Calling, device: Device
) -> None:
    issued = admin("POST", path_of(device), {}).json()

    entry = AuditEntry.objects.get(action="key.issue", object_id=issued["kid"])
    assert entry.after["device_uuid"] == str(device.uuid)
    assert issued["secret"] not in str(entry.after)


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"algorithm": "none"}, "/algorithm", "invalid_choice"),
        ({"algorithm": "EdDSA"}, "/public_key", "unusable_key"),
        ({"public_key": "no key"}, "/public_key", "unusable_key"),
        ({"algorithm": "HS256", "public_key": "x"}, "/public_key", "unusable_key"),
        ({"role": "admin"}, "/role", "unknown_field"),
    ],
)
def test_an_unusable_request_makes_no_key_and_no_client(
    body: Members, pointer: str, code: str, admin: Calling, device: Device
) -> None:
    refused = admin("POST", path_of(device), body)

    assert refused.status_code == 422
    assert codes(refused) == {(pointer, code)}
    assert not ServiceClientKey.objects.filter(device_uuid=device.uuid).exists()


def test_a_retired_device_gets_no_key(admin: Calling, tenant: Tenant) -> None:
    refused = admin("POST", path_of(DeviceFactory(tenant=tenant, status="retired")), {})

    assert (refused.status_code, refused.json()["code"]) == (409, "device_retired")


@pytest.mark.parametrize("role", ["ingest", "reviewer"])
def test_only_an_admin_gives_keys(role: str, tenant: Tenant, device: Device) -> None:
    assert calling_as(role, tenant)("POST", path_of(device), {}).status_code == 403


def test_a_client_of_the_same_name_lends_no_other_role(
    admin: Calling, tenant: Tenant, device: Device
) -> None:
    create_client(tenant=tenant, name=client_name(device), role="admin", actor=ACTOR)

    refused = admin("POST", path_of(device), {})

    assert (refused.status_code, refused.json()["code"]) == (409, "name_taken")


def test_a_rotation_does_not_set_a_devices_key_free(admin: Calling, device: Device) -> None:
    issued = admin("POST", path_of(device), {}).json()
    key = ServiceClientKey.objects.get(kid=issued["kid"])

    rotated = admin("POST", f"/v1/clients/{issued['client_id']}/keys:rotate", {}).json()

    assert rotated["device_id"] == str(key.device_uuid) == str(device.uuid)
    service = rotate_key(client=key.client, overlap=timedelta(0), actor=ACTOR)
    assert service.key.device_uuid == device.uuid


def test_a_devices_key_reaches_no_other_device_and_no_list(
    admin: Calling, device: Device, tenant: Tenant
) -> None:
    own = as_device(admin("POST", path_of(device), {}).json())
    other = RecordingFactory(device__tenant=tenant, device__external_id="other")
    now = timezone.now().isoformat()
    named = {"device_external_id": other.device.external_id, "device_name": "mine now"}
    unknown = {"device_external_id": "unheard of", "device_name": "new"}

    answers = {
        "close": own("POST", f"/v1/recordings/{other.uuid}:close", {}),
        "open": own(
            "POST", "/v1/recordings", {"device_id": str(other.device.uuid), "started_at": now}
        ),
        "start": own("POST", "/v1/recordings:start", named),
        "register": own("POST", "/v1/recordings:start", unknown),
        "read": own("GET", f"/v1/recordings/{other.uuid}"),
        "list": own("GET", "/v1/recordings"),
        "devices": own("GET", "/v1/devices"),
    }

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(
        answers, 404
    )
    assert Device.objects.owned_by(tenant).count() == 2
    other.refresh_from_db()
    assert other.status == "open"
