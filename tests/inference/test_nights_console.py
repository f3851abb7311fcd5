"""The console on staged nights: what became of them, by whom, and what waits, to whom it may."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inference.bodies import remarks
from inference.models import Hypnogram, Pass, StagingAttempt
from inference.services import due, staging
from recordings.models import Recording
from recordings.stages import letters_of
from tenants.models import Tenant
from tests.factories import PlatformFactory, TenantFactory
from tests.inference.staged import closed, serve
from tests.tenants.households import as_, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store", "shipped_schemas")]
HYPNOGRAMS = "/console/inference/hypnogram/"
ATTEMPTS = "/console/inference/stagingattempt/"
NIGHTS = "/console/recordings/recording/"
LISTS = {Hypnogram: HYPNOGRAMS, StagingAttempt: ATTEMPTS}


def grow(tenant: Tenant) -> Recording:
    """A staged night, and one whose staging failed."""
    night, waits = closed(tenant, count=30), closed(tenant, count=5)
    staging.stage_night(recording_id=night.pk)
    due.claim(staging_pass=Pass.NIGHT)
    error = ZeroDivisionError("of P-0042")
    due.note_failure(recording_id=waits.pk, staging_pass=Pass.NIGHT, error=error)
    return night


@pytest.fixture
def heron() -> Tenant:
    serve()
    tenant = TenantFactory(slug="heron", name="heron clinic")
    grow(tenant)
    return tenant


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_an_operator_sees_her_tenants_rows_and_no_other(model: type, heron: Tenant) -> None:
    grow(TenantFactory(slug="magpie", name="magpie clinic"))
    browser, row = as_("tenant_viewer", heron), model.objects.filter(tenant=heron).get()

    shown = text(browser.get(LISTS[model]))
    page = browser.get(f"{LISTS[model]}{row.pk}/change/")

    assert page.status_code == 200
    assert "heron clinic" in shown
    assert "magpie" not in shown + text(page)


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_a_strangers_row_has_no_page(model: type, heron: Tenant) -> None:
    row = model.objects.get()

    answer = as_("tenant_admin", TenantFactory()).get(f"{LISTS[model]}{row.pk}/change/")

    assert answer.status_code == 302


def test_a_hypnogram_is_shown_as_letters_with_its_numbers(heron: Tenant) -> None:
    row = Hypnogram.objects.get()

    page = text(as_("tenant_viewer", heron).get(f"{HYPNOGRAMS}{row.pk}/change/"))

    assert "sleep_efficiency_pct" in page
    assert letters_of(row.stages) in page
    assert remarks.ELSEWHERE in page


def test_a_nights_page_says_what_it_was_staged_as(heron: Tenant) -> None:
    night = Recording.objects.get(status="staged")

    page = text(as_("tenant_viewer", heron).get(f"{NIGHTS}{night.pk}/change/"))

    assert "<strong>test-1</strong> (experimental)" in page
    assert f"{HYPNOGRAMS}?q={night.uuid}" in page
    assert "Sleep onset latency" in page


def test_a_nights_page_has_an_address_by_its_public_id(heron: Tenant) -> None:
    night = Recording.objects.get(status="staged")
    address = f"{NIGHTS}{night.uuid}/change/"

    page = as_("tenant_viewer", heron).get(address)
    strangers = as_("tenant_admin", TenantFactory()).get(address)

    assert (page.status_code, strangers.status_code) == (200, 302)
    assert "<strong>test-1</strong> (experimental)" in text(page)


def test_a_nights_page_says_what_its_staging_failed_with(heron: Tenant) -> None:
    night = Recording.objects.get(status="closed")

    page = text(as_("tenant_viewer", heron).get(f"{NIGHTS}{night.pk}/change/"))

    assert "tried 1 times, the last with ZeroDivisionError" in page
    assert "P-0042" not in page


def test_a_hypnogram_is_found_by_its_nights_id(heron: Tenant) -> None:
    night = Recording.objects.get(status="staged")
    browser = as_("tenant_viewer", heron)

    found = text(browser.get(f"{HYPNOGRAMS}?q={night.uuid}"))
    missed = text(browser.get(f"{HYPNOGRAMS}?q={Recording.objects.get(status='closed').uuid}"))

    assert "test-1" in found
    assert "heron clinic" not in missed


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_a_list_fetches_no_arrays_and_looks_a_night_up_exactly(model: type, heron: Tenant) -> None:
    night = Recording.objects.get(pk=model.objects.get().recording_id)
    browser = as_("tenant_viewer", heron)

    with CaptureQueriesContext(connection) as captured:
        found = browser.get(f"{LISTS[model]}?q={night.uuid}").content.decode()
        part = browser.get(f"{LISTS[model]}?q={str(night.uuid)[:8]}").content.decode()

    asked = " ".join(query["sql"] for query in captured)
    assert f"{model.objects.get().pk}/change/" in found
    assert f"{model.objects.get().pk}/change/" not in part
    assert "UPPER" not in asked
    assert "confidences" not in asked


def test_staging_again_is_a_button_with_a_reason(heron: Tenant) -> None:
    night = Recording.objects.get(status="staged")
    form = {"pk": night.pk, "reason": "looks odd"}

    said = text(as_("tenant_admin", heron).post(f"{NIGHTS}action/stage-again/", form, follow=True))

    night.refresh_from_db()
    assert night.status == "closed"
    assert "Audit entry" in said


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_a_list_asks_the_same_number_of_questions_however_long(model: type, heron: Tenant) -> None:
    browser, asked = as_("platform_admin", PlatformFactory()), []

    for more in (1, 4):
        for number in range(more):
            grow(TenantFactory(slug=f"t{more}-{number}"))
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(LISTS[model]).status_code == 200
        asked.append(len(captured))

    assert asked[0] == asked[1] <= 10
