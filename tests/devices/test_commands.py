"""`manage.py device`: a box is provisioned by its public key; nothing secret is printed."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from devices.models import Device
from tenants.models import AuditEntry, ServiceClient, ServiceClientKey, Tenant
from tenants.services.clients import revoke_key
from tests.calling import Calling
from tests.factories import ACTOR, DeviceFactory, RecordingFactory, TenantFactory
from tests.tokens import Members, Signatory, public_pem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quay() -> Tenant:
    return TenantFactory(slug="quay")


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    path = tmp_path / "device.pem"
    path.write_text(public_pem("ES256"))
    return path


def printed(*words: object) -> str:
    out = StringIO()
    call_command(*map(str, words), stdout=out)
    return out.getvalue()


def provisioned(pem: Path, *words: object) -> Members:
    text = printed("device", "provision", "quay", "NB-0042", "--public-key", pem, "--json", *words)
    told: Members = json.loads(text)
    return told


def failure(*words: object) -> str:
    with pytest.raises(CommandError) as failed:
        printed(*words)
    said = str(failed.value)
    assert "\n" not in said
    return said


def test_a_provisioned_device_records_with_its_own_key_and_nothing_else(
    pem: Path, quay: Tenant
) -> None:
    told = provisioned(pem, "--name", "bed 12", "--model", "noctis one")

    other = RecordingFactory(device__tenant=quay, device__external_id="other")
    own = Calling(
        Signatory(
            kid=told["kid"],
            algorithm="ES256",
            secret=None,
            subject=told["client_id"],
            tenant=told["tenant_id"],
        )
    )
    device = Device.objects.get(external_id="NB-0042")
    assert (device.name, device.model) == ("bed 12", "noctis one")
    assert told["device_id"] == str(device.uuid)
    start = {"device_external_id": "NB-0042", "started_at": timezone.now().isoformat()}
    assert own("POST", "/v1/recordings:start", start).status_code == 201
    assert own("POST", f"/v1/recordings/{other.uuid}:close", {}).status_code == 404


def test_nothing_secret_is_made_or_printed(pem: Path) -> None:
    told = provisioned(pem)

    assert set(told) == {
        *("device", "external_id", "device_id", "client_id", "tenant_id", "kid", "algorithm")
    }
    assert ServiceClientKey.objects.get().material == public_pem("ES256")


def test_the_same_key_again_changes_nothing(pem: Path) -> None:
    first = provisioned(pem)
    entries = AuditEntry.objects.count()

    assert provisioned(pem) == first

    assert (Device.objects.count(), ServiceClientKey.objects.count()) == (1, 1)
    assert AuditEntry.objects.count() == entries


def test_a_revoked_key_is_not_taken_for_one_that_stands(pem: Path) -> None:
    first = provisioned(pem)
    revoke_key(key=ServiceClientKey.objects.get(), actor=ACTOR)

    assert provisioned(pem)["kid"] != first["kid"]


def test_a_known_device_keeps_its_name_and_its_older_keys(
    pem: Path, tmp_path: Path, quay: Tenant
) -> None:
    DeviceFactory(tenant=quay, external_id="NB-0042", name="bed 7")
    provisioned(pem)
    another = tmp_path / "another.pem"
    another.write_text(public_pem("EdDSA"))

    told = provisioned(another, "--algorithm", "EdDSA", "--name", "bed 8")

    assert told["device"] == "bed 7"
    assert set(ServiceClientKey.objects.values_list("algorithm", "state")) == {
        ("ES256", "active"),
        ("EdDSA", "active"),
    }


def test_each_of_it_is_audited(pem: Path) -> None:
    provisioned(pem)

    assert list(AuditEntry.objects.order_by("id").values_list("action", "channel")) == [
        ("device.register", "command"),
        ("client.create", "command"),
        ("key.issue", "command"),
    ]


def _nobody(pem: Path, quay: Tenant) -> None:
    pem.unlink()


def _private(pem: Path, quay: Tenant) -> None:
    pem.write_text("-----BEGIN PRIVATE KEY-----\n…")


def _retired(pem: Path, quay: Tenant) -> None:
    provisioned(pem)
    Device.objects.update(status="retired")


def _shared(pem: Path, quay: Tenant) -> None:
    printed("device", "provision", "quay", "NB-0041", "--public-key", pem)


@pytest.mark.parametrize(
    ("arranged", "said"),
    [
        (_nobody, "validation_error: cannot read"),
        (_private, "public_key: this is a private key"),
        (_retired, "device_retired: "),
        (_shared, "key_in_use: "),
    ],
)
def test_what_cannot_be_is_refused_whole_in_one_line(
    arranged: Callable[[Path, Tenant], None], said: str, pem: Path, quay: Tenant
) -> None:
    arranged(pem, quay)
    before = (Device.objects.count(), ServiceClient.objects.count(), AuditEntry.objects.count())

    assert said in failure("device", "provision", "quay", "NB-0042", "--public-key", pem)

    after = (Device.objects.count(), ServiceClient.objects.count(), AuditEntry.objects.count())
    assert after == before


def test_a_name_that_is_too_long_is_refused(pem: Path) -> None:
    said = failure("device", "provision", "quay", "x" * 121, "--public-key", pem)

    assert said.startswith("validation_error: ")
    assert "external_id" in said


def test_another_tenants_device_of_the_same_name_is_another_device(pem: Path, quay: Tenant) -> None:
    foreign = DeviceFactory(tenant=TenantFactory(), external_id="NB-0042")

    told = provisioned(pem)

    assert told["device_id"] != str(foreign.uuid)
    assert told["tenant_id"] == str(quay.uuid)


def test_devices_are_listed_with_their_keys(pem: Path) -> None:
    told = provisioned(pem)

    (row,) = json.loads(printed("device", "list", "quay", "--json"))

    assert (row["external_id"], row["status"]) == ("NB-0042", "active")
    assert row["keys"] == f"{told['kid']} active"
