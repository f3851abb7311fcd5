"""Members and new operators in the console: what works, who is refused, what is shown once."""

import re
import time

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tenants import totp
from tenants.models import AuditEntry, Membership, Operator
from tests.factories import MembershipFactory, OperatorFactory, PlatformFactory
from tests.tenants.households import LISTS, Household, as_, text

pytestmark = pytest.mark.django_db

ADD = f"{LISTS['tenant']}action/add-member/"
CREATE = f"{LISTS['tenant']}action/create-operator/"
CHANGE = f"{LISTS['member']}action/change-role/"
REMOVE = f"{LISTS['member']}action/remove/"
WHO = {"username": "eve", "role": "tenant_viewer", "reason": "starts on Monday"}


def written() -> list[str]:
    entries = AuditEntry.objects.filter(channel="console").order_by("pk")
    return list(entries.values_list("action", flat=True))


def given(page: str) -> tuple[str, str]:
    """The password and the secret that a page shows."""
    password, secret = re.findall(r'<code class="copyable secret">([^<]+)</code>', page)
    return password, secret


def test_a_known_operator_becomes_a_member_once(heron: Household) -> None:
    person = OperatorFactory(username="eve")
    browser = as_("platform_admin", PlatformFactory())

    answers = [browser.post(ADD, WHO | {"pk": heron.tenant.pk}, follow=True) for _ in range(2)]

    entry = AuditEntry.objects.get(action="member.add")
    assert person.memberships.get().role == "tenant_viewer"
    assert f"Audit entry {entry.sequence} of heron clinic" in text(answers[0])
    assert "Nothing had to be written." in text(answers[1])
    assert (entry.tenant_id, entry.object_id) == (heron.tenant.pk, "eve")
    assert entry.reason == "starts on Monday"


def test_a_tenants_admin_finds_her_own_people_only(heron: Household, magpie: Household) -> None:
    browser = as_("tenant_admin", heron.tenant)

    answers = [
        browser.post(ADD, WHO | {"pk": heron.tenant.pk, "username": name}, follow=True)
        for name in ("magpie-person", "nobody")
    ]

    pages = [text(answer) for answer in answers]
    assert all("None of your tenants has an operator of this name" in page for page in pages)
    assert magpie.operator.memberships.count() == 1
    assert written() == []


def test_a_new_operator_enters_with_what_was_shown_and_has_to_choose_a_password(
    heron: Household,
) -> None:
    admin = as_("tenant_admin", heron.tenant)

    answer = admin.post(CREATE, WHO | {"pk": heron.tenant.pk})
    again = admin.post(CREATE, WHO | {"pk": heron.tenant.pk})

    password, secret = given(text(answer))
    code = totp.code_at(secret, int(time.time()) // totp.STEP_S)
    browser = Client()
    form = {"username": "eve", "password": password, "next": "/console/"}
    assert "no-store" in answer["Cache-Control"]
    assert "An operator is already called eve." in text(again)
    assert browser.post("/console/login/", form).status_code == 200
    assert browser.post("/console/login/", form | {"otp": code}).status_code == 302
    assert browser.get(LISTS["tenant"])["Location"] == "/console/account/"
    assert written()[0] == "operator.create"
    assert password not in text(again) + text(admin.get(LISTS["operator"]))


def test_a_platform_admin_creates_operators_everywhere(heron: Household, magpie: Household) -> None:
    browser = as_("platform_admin", PlatformFactory())

    for name, household in (("eve", heron), ("ida", magpie)):
        browser.post(CREATE, WHO | {"pk": household.tenant.pk, "username": name})

    rows = Membership.objects.filter(operator__username__in=["eve", "ida"])
    assert set(rows.values_list("tenant__slug", flat=True)) == {"heron", "magpie"}


@pytest.mark.parametrize("wrong", [{"username": "a b"}, {"role": "queen"}, {"reason": " "}])
def test_what_is_no_name_role_or_reason_makes_nobody(
    wrong: dict[str, str], heron: Household
) -> None:
    browser = as_("tenant_admin", heron.tenant)
    before = Operator.objects.count()

    answer = browser.post(CREATE, {**WHO, "pk": heron.tenant.pk, **wrong})

    assert answer.status_code == 200
    assert Operator.objects.count() == before
    assert written() == []


def test_a_role_is_changed_and_a_member_removed(heron: Household) -> None:
    browser = as_("tenant_admin", heron.tenant)
    body = {"pk": heron.member.pk, "reason": "moved on"}

    shown = text(browser.get(f"{CHANGE}?pk={heron.member.pk}"))
    answers: list[HttpResponse] = [
        browser.post(CHANGE, body | {"role": "auditor"}, follow=True),
        browser.post(REMOVE, body, follow=True),
        browser.post(REMOVE, body),
    ]

    assert '<option value="tenant_viewer" selected>' in shown
    assert [answer.status_code for answer in answers] == [200, 200, 404]
    assert answers[1].redirect_chain == [(LISTS["member"], 302)]
    told = [re.search(r'<li class="success">(.*?: [\w ]+)\.', text(a))[1] for a in answers[:2]]
    assert told == [
        f"Heron-person as auditor of heron clinic: {done}" for done in ("role changed", "removed")
    ]
    assert written() == ["member.change_role", "member.remove"]
    assert not heron.operator.memberships.exists()


def test_her_own_membership_and_those_beyond_her_are_left_alone_and_not_offered() -> None:
    platform = PlatformFactory()
    browser = as_("tenant_admin", platform)
    own = Membership.objects.get(tenant=platform)
    high = MembershipFactory(tenant=platform, role="platform_admin")

    shown = [text(browser.get(f"{REMOVE}?pk={row.pk}")) for row in (own, high)]
    for row in (own, high):
        body = {"pk": row.pk, "reason": "x", "role": "tenant_viewer"}
        browser.post(REMOVE, body)
        browser.post(CHANGE, body)

    page = text(browser.get(f"{LISTS['member']}{own.pk}/change/"))
    assert "Nobody changes what she is herself." in shown[0]
    assert "than she may herself" in shown[1]
    assert "action/remove" not in page
    assert set(Membership.objects.filter(tenant=platform).values_list("role", flat=True)) == {
        "tenant_admin",
        "platform_admin",
    }
    assert written() == []


def test_a_platforms_member_admin_makes_no_platform_admin() -> None:
    platform = PlatformFactory()
    browser = as_("tenant_admin", platform)

    answer = browser.post(CREATE, WHO | {"pk": platform.pk, "role": "platform_admin"})

    assert "may do more than she may herself" in text(answer)
    assert not Operator.objects.filter(username="eve").exists()


def test_looking_at_many_members_costs_as_much_as_looking_at_two(heron: Household) -> None:
    browser = as_("platform_admin", PlatformFactory())
    rows = MembershipFactory.create_batch(7, tenant=heron.tenant)
    costs = []

    for chosen in (rows[:2], rows):
        with CaptureQueriesContext(connection) as queries:
            browser.get(REMOVE, {"pk": [row.pk for row in chosen]})
        costs.append(len(queries))

    assert costs[0] == costs[1]


READERS = ["auditor", "tenant_viewer", "operator", "model_manager"]


@pytest.mark.parametrize("role", READERS)
def test_whoever_only_reads_makes_and_removes_nobody(role: str, heron: Household) -> None:
    browsers = [as_(role, heron.tenant), as_(role, PlatformFactory())]
    tenant, member = WHO | {"pk": heron.tenant.pk}, WHO | {"pk": heron.member.pk}

    answers = [
        browser.post(url, body)
        for browser in browsers
        for url, body in ((ADD, tenant), (CREATE, tenant), (CHANGE, member), (REMOVE, member))
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert written() == []


def test_a_strangers_tenant_and_members_are_not_there(heron: Household, magpie: Household) -> None:
    browser = as_("tenant_admin", heron.tenant)
    tenant, member = WHO | {"pk": magpie.tenant.pk}, WHO | {"pk": magpie.member.pk}

    answers = [
        browser.post(url, body)
        for url, body in ((ADD, tenant), (CREATE, tenant), (CHANGE, member), (REMOVE, member))
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert written() == []


def test_who_administers_one_tenant_and_only_reads_another_makes_nobody_there(
    heron: Household, magpie: Household
) -> None:
    person = MembershipFactory(tenant=magpie.tenant, role="auditor").operator
    browser = as_("tenant_admin", heron.tenant, operator=person)

    answers = [
        browser.post(CREATE, WHO | {"pk": magpie.tenant.pk}),
        browser.post(REMOVE, WHO | {"pk": magpie.member.pk}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert written() == []
