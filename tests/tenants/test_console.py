"""The console's pages: what each role opens, whose rows it sees, and what no page tells."""

import re

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.console import ConsolePage
from tenants.models import AuditEntry, Operator, Tenant
from tenants.roles import ConsoleRole
from tests.factories import (
    PASSWORD,
    KeyFactory,
    MembershipFactory,
    OperatorFactory,
    PlatformFactory,
    ServiceClientFactory,
    TenantFactory,
)
from tests.tenants.households import LISTS, Household, as_, text

pytestmark = pytest.mark.django_db

ADMIN_OF_ALL = set(LISTS)
READS_ACCESS = {"tenant", "member", "client", "key", "entry", "operator"}
# What each role opens in the platform tenant, which shows everybody's, and in a customer's.
OPENS = {
    ConsoleRole.PLATFORM_ADMIN: (ADMIN_OF_ALL, READS_ACCESS),
    ConsoleRole.OPERATOR: ({"tenant", "schedule"}, {"tenant"}),
    ConsoleRole.MODEL_MANAGER: ({"tenant"}, {"tenant"}),
    ConsoleRole.TENANT_ADMIN: (READS_ACCESS, READS_ACCESS),
    ConsoleRole.TENANT_VIEWER: ({"tenant"}, {"tenant"}),
    ConsoleRole.AUDITOR: (ADMIN_OF_ALL, READS_ACCESS),
}
SEEING = {ConsoleRole.PLATFORM_ADMIN, ConsoleRole.OPERATOR, ConsoleRole.AUDITOR}

# A filter that each list offers, set so that a stranger's rows would fit.
FILTERS = {"tenant": "status=active", "operator": "", "schedule": ""}


def filtered(name: str) -> str:
    return f"{LISTS[name]}?{FILTERS.get(name, 'tenant=magpie')}"


def without_what_was_asked(page: str) -> str:
    return re.sub(r'(href|value)="[^"]*"', "", page)


@pytest.mark.parametrize("is_platform", [True, False], ids=["platform", "customer"])
@pytest.mark.parametrize("role", ConsoleRole)
def test_a_role_opens_its_pages_and_sees_its_tenants_only(
    role: ConsoleRole, is_platform: bool, heron: Household, magpie: Household
) -> None:
    browser = as_(role, PlatformFactory() if is_platform else heron.tenant)
    sees_magpie = is_platform and role in SEEING
    opens = OPENS[role][0 if is_platform else 1]

    for name, url in LISTS.items():
        pages = [browser.get(url), browser.get(f"{url}?q=magpie"), browser.get(filtered(name))]

        if name not in opens:
            assert {page.status_code for page in pages} == {403}, name
            continue
        assert {page.status_code for page in pages} == {200}, name
        seen = "".join(without_what_was_asked(text(page)) for page in pages)
        assert ("magpie" in seen) is (sees_magpie and name != "schedule"), name


@pytest.mark.parametrize("name", sorted(READS_ACCESS))
def test_an_object_of_another_tenant_answers_as_one_that_is_not_there(
    name: str, heron: Household, magpie: Household
) -> None:
    browser = as_("tenant_admin", heron.tenant)
    strange, absent = getattr(magpie, name).pk, 999_999

    answers = [browser.get(f"{LISTS[name]}{pk}/change/", follow=True) for pk in (strange, absent)]

    assert answers[0].redirect_chain == answers[1].redirect_chain
    assert "magpie" not in text(answers[0])
    assert browser.get(f"{LISTS[name]}{getattr(heron, name).pk}/change/").status_code == 200


def test_what_one_membership_allows_widens_nothing_that_another_sees(
    heron: Household, magpie: Household
) -> None:
    person = OperatorFactory()
    MembershipFactory(tenant=PlatformFactory(), operator=person, role="operator")
    browser = as_("tenant_admin", heron.tenant, operator=person)

    page = text(browser.get(LISTS["key"]))

    assert "heron-kid" in page
    assert "magpie-kid" not in page


def test_no_page_shows_what_a_key_or_an_operator_is_secret_about(heron: Household) -> None:
    OperatorFactory(username="ada", password=PASSWORD)
    browser = as_("platform_admin", PlatformFactory())
    person = Operator.objects.get(username="ada")

    pages = text(browser.get(f"{LISTS['key']}{heron.key.pk}/change/"))
    pages += text(browser.get(f"{LISTS['operator']}{person.pk}/change/"))
    guesses = [
        browser.get(f"{LISTS['key']}?material__startswith=g"),
        browser.get(f"{LISTS['operator']}?password__startswith=s"),
        browser.get(f"{LISTS['member']}?operator__password__startswith=s"),
    ]

    assert heron.key.material not in pages
    assert person.password not in pages
    assert [answer.status_code for answer in guesses] == [400, 400, 400]


def test_the_log_is_searched_by_request_and_links_what_one_request_did(heron: Household) -> None:
    browser = as_("tenant_admin", heron.tenant)
    client = ServiceClientFactory(tenant=heron.tenant)
    browser.post(
        f"{LISTS['client']}action/disable/",
        {"pk": [heron.client.pk, client.pk], "reason": "leaked"},
        headers={"X-Request-Id": "walk-7"},
    )

    found = text(browser.get(f"{LISTS['entry']}?q=walk-7"))
    entry = AuditEntry.objects.filter(request_id="walk-7").first()
    page = text(browser.get(f"{LISTS['entry']}{entry.pk}/change/"))

    assert str(heron.client.uuid) in found
    assert str(client.uuid) in found
    assert "client.create" not in found.split('id="result_list"')[1].split("</table>")[0]
    assert "?q=walk-7" in page


def grow(heron: Household, count: int) -> None:
    for number in range(count):
        client = ServiceClientFactory(tenant=heron.tenant, name=f"more {count} {number}")
        KeyFactory(client=client)
        MembershipFactory(tenant=heron.tenant)
        TenantFactory()


@pytest.mark.parametrize("name", sorted(READS_ACCESS))
def test_a_list_asks_the_same_number_of_questions_however_long(name: str, heron: Household) -> None:
    browser = as_("platform_admin", PlatformFactory())
    counts = []

    for more in (1, 8):
        grow(heron, more)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert browser.get(LISTS[name]).status_code == 200
        counts.append(len(asked))

    assert counts[0] == counts[1] <= 8


def test_every_page_of_the_console_keeps_to_its_base_and_offers_no_form() -> None:
    browser = as_("platform_admin", PlatformFactory())
    pages = admin.site._registry.values()

    assert {page.address("changelist") for page in pages} >= set(LISTS.values())
    assert all(isinstance(page, ConsolePage) for page in pages)
    for page in pages:
        for kind in ("add/", "1/delete/", "1/history/"):
            assert browser.get(page.address("changelist") + kind).status_code == 404
    assert browser.get("/console/password_change/").status_code == 404


def test_a_page_writes_nothing_by_form(heron: Household) -> None:
    browser = as_("platform_admin", PlatformFactory())

    answer = browser.post(f"{LISTS['tenant']}{heron.tenant.pk}/change/", {"name": "mine"})

    assert answer.status_code == 403
    assert Tenant.objects.filter(name="mine").count() == 0
