"""The console's pages of devices and nights: whose rows, found by what, closed and erased how."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from devices.models import Device
from recordings.models import Erasure, FeatureSchema, LabelSet, Recording
from tenants.models import AuditEntry, Tenant
from tests.factories import (
    DeviceFactory,
    ErasureFactory,
    PlatformFactory,
    RecordingFactory,
    TenantFactory,
)
from tests.tenants.households import as_, text

pytestmark = pytest.mark.django_db

LISTS = {
    Device: "/console/devices/device/",
    Recording: "/console/recordings/recording/",
    LabelSet: "/console/recordings/labelset/",
    Erasure: "/console/recordings/erasure/",
    FeatureSchema: "/console/recordings/featureschema/",
}
NIGHTS = LISTS[Recording]


def home(canary: str) -> Tenant:
    """A tenant with one row of each kind, each carrying the canary."""
    tenant = TenantFactory(slug=canary, name=f"{canary} clinic")
    grow(tenant, canary)
    return tenant


def grow(tenant: Tenant, canary: str) -> None:
    device = DeviceFactory(tenant=tenant, name=f"{canary} bed", external_id=canary)
    night = RecordingFactory(device=device, subject=f"{canary}-subject")
    facts = {"version": 1, "scorer": f"{canary}-scorer", "source": "human", "stages": [0, 5, -1]}
    LabelSet.objects.create(tenant=tenant, recording=night, **facts)
    ErasureFactory(tenant=tenant, requested_by=f"{canary}-admin")


@pytest.fixture
def heron() -> Tenant:
    return home("heron")


@pytest.fixture
def night(heron: Tenant) -> Recording:
    return Recording.objects.owned_by(heron).get()


@pytest.fixture
def browser(heron: Tenant) -> Client:
    return as_("tenant_admin", heron)


def act(browser: Client, name: str, night: Recording, **form: str) -> str:
    answer = browser.post(f"{NIGHTS}action/{name}/", {"pk": night.pk, **form}, follow=True)
    assert answer.status_code == 200
    return text(answer)


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_an_operator_sees_her_tenants_rows_and_no_other(
    model: type, heron: Tenant, browser: Client
) -> None:
    home("magpie")

    shown = text(browser.get(LISTS[model]))
    detail = browser.get(f"{LISTS[model]}{model.objects.order_by('pk').first().pk}/change/")

    assert detail.status_code == 200
    assert "magpie" not in shown
    assert model is FeatureSchema or "heron" in shown


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_a_strangers_row_has_no_page(model: type, heron: Tenant) -> None:
    stranger = as_("tenant_admin", TenantFactory())
    row = model.objects.order_by("pk").first()

    answer = stranger.get(f"{LISTS[model]}{row.pk}/change/", follow=True)

    assert ("heron" in text(answer)) is False
    assert model is FeatureSchema or answer.redirect_chain or answer.status_code == 404


def test_a_viewer_reads_nights_and_no_erasures(heron: Tenant, night: Recording) -> None:
    viewer = as_("tenant_viewer", heron)

    assert viewer.get(NIGHTS).status_code == 200
    assert viewer.get(LISTS[Erasure]).status_code == 403
    assert viewer.get(f"{NIGHTS}action/close/?pk={night.pk}").status_code == 403
    assert viewer.get(f"{NIGHTS}action/erase/?pk={night.pk}").status_code == 403


@pytest.mark.parametrize("by", ["uuid", "external id", "subject"])
def test_a_night_is_found_by_its_id_its_device_or_its_subject(
    by: str, heron: Tenant, night: Recording, browser: Client
) -> None:
    other = RecordingFactory(device__tenant=heron, subject="other")
    term = {"uuid": night.uuid, "external id": "heron", "subject": "heron-subject"}[by]

    found = text(browser.get(f"{NIGHTS}?q={term}"))

    assert f"/{night.pk}/change/" in found
    assert f"/{other.pk}/change/" not in found


def test_a_device_is_found_by_its_id(heron: Tenant, browser: Client) -> None:
    first, second = Device.objects.get(), DeviceFactory(tenant=heron)

    found = text(browser.get(f"{LISTS[Device]}?q={second.uuid}"))

    assert f"/{second.pk}/change/" in found
    assert f"/{first.pk}/change/" not in found


def test_closing_by_hand_is_audited_with_its_reason(night: Recording, browser: Client) -> None:
    said = act(browser, "close", night, reason="device was stolen")

    night.refresh_from_db()
    entry = AuditEntry.objects.get(action="recording.close")
    assert night.status == "closed"
    assert (entry.object_id, entry.reason) == (str(night.uuid), "device was stolen")
    assert f"Audit entry {entry.sequence}" in said


def test_a_closed_night_is_left_alone(night: Recording, browser: Client) -> None:
    Recording.objects.update(status="closed", ended_at=timezone.now())

    said = act(browser, "close", night, reason="again")

    assert "It is closed, not open." in said
    assert not AuditEntry.objects.filter(action="recording.close").exists()


def test_erasing_takes_the_typed_word(night: Recording, browser: Client) -> None:
    act(browser, "erase", night, reason="asked by letter")
    night.refresh_from_db()
    before = night.status

    act(browser, "erase", night, reason="asked by letter", confirmation="erase")

    night.refresh_from_db()
    assert (before, night.status) == ("open", "erasing")
    due = Erasure.objects.get(recording_uuid=night.uuid)
    assert due.requested_by.startswith("operator ")
    assert AuditEntry.objects.get(object_id=due.uuid).reason == "asked by letter"


def test_a_device_is_retired_and_made_active_with_a_reason(heron: Tenant, browser: Client) -> None:
    device = Device.objects.get()
    for name, status in (("retire", "retired"), ("activate", "active")):
        form = {"pk": device.pk, "reason": "broken lid"}

        browser.post(f"{LISTS[Device]}action/{name}/", form)

        device.refresh_from_db()
        assert device.status == status
    entries = AuditEntry.objects.filter(action="device.change", reason="broken lid")
    assert entries.count() == 2


def test_a_label_set_is_shown_as_letters(heron: Tenant, browser: Client) -> None:
    row = LabelSet.objects.get()

    assert "WL?" in text(browser.get(f"{LISTS[LabelSet]}{row.pk}/change/"))


def test_a_schema_is_shown_with_its_features_in_order(heron: Tenant, browser: Client) -> None:
    row = FeatureSchema.objects.get(is_active=True)

    page = text(browser.get(f"{LISTS[FeatureSchema]}{row.pk}/change/"))

    names = [feature["name"] for feature in row.features]
    assert sorted(names, key=page.index) == names


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_a_list_asks_the_same_number_of_questions_however_long(model: type, heron: Tenant) -> None:
    browser = as_("platform_admin", PlatformFactory())
    asked = []

    for more in (2, 9):
        for number in range(more):
            grow(TenantFactory(), f"t{more}-{number}")
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(LISTS[model]).status_code == 200
        asked.append(captured.captured_queries)

    assert len(asked[0]) == len(asked[1]) <= 8
    assert not [query for query in asked[1] if "recordings_epoch" in query["sql"]]
