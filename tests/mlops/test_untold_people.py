"""Whom a version was fitted to is for comparisons to know; tenants are told none of it."""

from hashlib import sha256

import pytest

from inference import provenance
from inference.models import ModelVersion
from mlops.datasets import LabelledNight
from mlops.services import people
from mlops.training.provenance import shown, sources_of
from recordings.models import LabelSet
from tenants.models import Tenant
from tests.calling import calling_as
from tests.factories import ModelVersionFactory, PlatformFactory, TenantFactory
from tests.mlops.test_lineage import predicted, trained
from tests.mlops.training_nights import people as sleepers
from tests.tenants.conftest import _fresh_keys_and_allowances
from tests.tenants.households import as_, text

__all__ = ["_fresh_keys_and_allowances"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def version(lab: Tenant) -> ModelVersion:
    """As those were kept that were trained while manifests still named the tenants' nights."""
    known = trained(lab).version.metadata
    terms = {"licence": "as its owner says", "attribution": "unknown", "url": ""}
    named = [{"name": tenant_mark(tenant), **terms} for tenant in (lab, TenantFactory())]
    training = {**known["training"], "data": named}
    card = f"Snapshot `{training['recipe']['snapshot']}`, schema `noctis_v1`"
    told = {**known, "training": training, "card": card}
    return ModelVersionFactory(version="from-before", metadata=told)


def tenant_mark(tenant: Tenant) -> str:
    return f"nights-{sha256(tenant.uuid.bytes).hexdigest()[:12]}"


def identifying(version: ModelVersion, lab: Tenant) -> list[str]:
    recipe = version.metadata["training"]["recipe"]
    assert recipe["subjects"]
    assert recipe["contents"]
    return [*recipe["subjects"], *recipe["contents"], recipe["snapshot"], tenant_mark(lab)]


@pytest.mark.parametrize("role", ["read", "admin", "ml_ops"])
def test_another_tenant_finds_no_person_night_or_tenant_in_a_version(
    version: ModelVersion, lab: Tenant, role: str
) -> None:
    call = calling_as(role, TenantFactory())

    answers = [
        call("GET", "/v1/models"),
        call("GET", f"/v1/models/{version.version}"),
        call("GET", f"/v1/models/{version.version}/lineage"),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    told = " ".join(answer.content.decode() for answer in answers)
    assert [mark for mark in identifying(version, lab) if mark in told] == []


def test_a_prediction_leads_other_tenants_to_no_person_either(
    version: ModelVersion, lab: Tenant
) -> None:
    stranger = TenantFactory()
    sleepers(stranger, 1)
    prediction = predicted(stranger, version)

    told = calling_as("read", stranger)("GET", f"/v1/predictions/{prediction}/lineage")

    assert told.status_code == 200
    assert [mark for mark in identifying(version, lab) if mark in told.content.decode()] == []


@pytest.mark.parametrize("role", ["tenant_viewer", "tenant_admin"])
def test_the_console_s_page_of_a_version_tells_other_tenants_no_more(
    version: ModelVersion, lab: Tenant, role: str
) -> None:
    PlatformFactory()
    browser = as_(role, TenantFactory())

    page = text(browser.get(f"/console/inference/modelversion/{version.pk}/change/"))

    assert version.version in page
    assert [mark for mark in identifying(version, lab) if mark in page] == []


def test_a_version_still_says_how_it_was_trained(version: ModelVersion) -> None:
    call = calling_as("read", TenantFactory())

    training = call("GET", f"/v1/models/{version.version}").json()["training"]

    assert training["recipe"]["recipe"] == "clock"
    assert training["recipe"]["nights"] == version.metadata["training"]["recipe"]["nights"]
    assert [source["name"] for source in training["data"]] == [provenance.TENANTS_NIGHTS]
    assert training["data"][0]["licence"] == "as its owner says"
    assert training["seed"] == 1


def test_who_had_it_trained_alone_is_told_the_checksum_of_the_nights(lab: Tenant) -> None:
    run = trained(lab)
    address = f"/v1/models/{run.version_name}/lineage"

    own, other = (calling_as("read", one)("GET", address) for one in (lab, TenantFactory()))

    checksum = run.version.metadata["training"]["recipe"]["snapshot"]
    assert own.json()["trained_on"]["snapshot"] == checksum
    assert other.json()["trained_on"]["snapshot"] == ""


def test_no_mark_is_written_that_is_told() -> None:
    assert set(shown([])) - {"nights"} == provenance.UNTOLD


def test_a_new_manifest_names_no_tenant(lab: Tenant) -> None:
    scoring = LabelSet.objects.owned_by(lab).select_related("recording__tenant").first()
    source, subject = people.person_of(scoring=scoring)
    nights = [LabelledNight(subject, None, None, name) for name in (source, "nights-0123456789ab")]

    assert source == tenant_mark(lab)
    assert [one.name for one in sources_of(nights)] == [provenance.TENANTS_NIGHTS]
