"""Going anywhere by name: pages and objects, only those that the operator reaches."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import DeviceFactory, PlatformFactory, ServiceClientFactory
from tests.tenants.households import Household, as_, text

pytestmark = pytest.mark.django_db

SEARCH = "/console/search/"


def names(role: str, home: Household, asked: str) -> list[str]:
    answer = as_(role, home.tenant).get(SEARCH, {"q": asked, "as": "json"})
    return [one["name"] for one in answer.json()["found"]]


def test_pages_come_before_objects_and_lead_to_them(heron: Household) -> None:
    DeviceFactory(tenant=heron.tenant, name="device by the window")

    browser = as_("tenant_admin", heron.tenant)
    found = browser.get(SEARCH, {"q": "device", "as": "json"}).json()["found"]

    assert [one["name"] for one in found] == ["Devices", "device by the window"]
    assert all(browser.get(one["url"]).status_code == 200 for one in found)


def test_another_tenants_objects_are_not_found(heron: Household, magpie: Household) -> None:
    DeviceFactory(tenant=magpie.tenant, name="magpie bed", external_id="magpie-1")

    found = names("tenant_admin", heron, "magpie") + names("tenant_viewer", heron, "magpie-1")

    assert not found


def test_a_viewer_finds_neither_clients_nor_operators(heron: Household) -> None:
    assert names("tenant_viewer", heron, "heron-") == []
    assert set(names("tenant_admin", heron, "heron-")) == {"heron-client", "heron-person"}


def test_a_letter_or_odd_ones_find_pages_alone(heron: Household) -> None:
    assert "heron clinic" not in names("tenant_admin", heron, "h")
    assert names("tenant_admin", heron, "\x00%_'") == []


def test_it_is_a_page_without_javascript(heron: Household) -> None:
    page = text(as_("tenant_admin", heron.tenant).get(f"{SEARCH}?q=heron-client"))

    assert f'<a href="/console/tenants/serviceclient/{heron.client.pk}/change/">' in page


def test_it_asks_the_same_number_of_questions_however_many_fit(heron: Household) -> None:
    browser = as_("platform_admin", PlatformFactory())
    counts = []

    for more in (1, 9):
        for number in range(more):
            ServiceClientFactory(tenant=heron.tenant, name=f"heron {more} {number}")
        with CaptureQueriesContext(connection) as asked:
            browser.get(f"{SEARCH}?q=heron")
        counts.append(len(asked))

    assert counts[0] == counts[1] <= 12
