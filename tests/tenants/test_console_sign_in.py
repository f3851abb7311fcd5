"""Entering the console: who may, what is asked, and what a refusal tells."""

import time
from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client

from tenants import totp
from tenants.models import AuditEntry, Operator, Tenant
from tenants.services import operators
from tests.factories import ACTOR, PASSWORD, MembershipFactory, OperatorFactory
from tests.tenants.households import LISTS, Household, as_, text

pytestmark = pytest.mark.django_db

Enter = Callable[..., HttpResponse]


@pytest.fixture
def enter() -> Enter:
    """Sign in as Ada with the right password, but for what is named."""

    def send(address: str = "127.0.0.1", **changes: str) -> HttpResponse:
        right = {"username": "ada", "password": PASSWORD, "otp": "", "next": "/console/"}
        return Client(REMOTE_ADDR=address).post("/console/login/", right | changes)

    return send


@pytest.fixture
def ada(heron: Household) -> Operator:
    person = OperatorFactory(username="ada", password=PASSWORD)
    MembershipFactory(operator=person, tenant=heron.tenant)
    return person


def told(answer: HttpResponse) -> str:
    """The page without what differs between any two."""
    page = text(answer)
    start = page.index('<p class="errornote"')
    return page[start : page.index("<form", start)]


def test_signing_in_is_written_into_the_tenants_log(enter: Enter, ada: Operator) -> None:
    answer = enter()

    entry = AuditEntry.objects.get(action="operator.sign_in")
    assert (answer.status_code, answer["Location"]) == (302, "/console/")
    assert (entry.actor, entry.channel, entry.tenant.slug) == ("operator ada", "console", "heron")


def test_every_refused_sign_in_looks_the_same(enter: Enter, ada: Operator) -> None:
    OperatorFactory(username="nobodys", password=PASSWORD, is_staff=True, is_superuser=True)
    OperatorFactory(username="gone", password=PASSWORD, is_active=False)

    answers = [
        enter(password="wrong"),
        enter(username="nobody"),
        enter(username="nobodys"),
        enter(username="gone"),
    ]

    assert len({(answer.status_code, told(answer)) for answer in answers}) == 1
    assert not AuditEntry.objects.filter(action="operator.sign_in").exists()


def test_an_enrolled_operator_needs_a_code_and_each_code_once(enter: Enter, ada: Operator) -> None:
    tenant = Tenant.objects.get(slug="heron")
    secret = operators.enrol_second_factor(operator=ada, tenant=tenant, actor=ACTOR)
    code = totp.code_at(secret, int(time.time()) // totp.STEP_S)

    answers = [enter(), enter(otp="000000x"), enter(otp=f"{code[:3]} {code[3:]}"), enter(otp=code)]

    assert [answer.status_code for answer in answers] == [200, 200, 302, 200]


def test_where_a_second_factor_is_due_nobody_enters_without(
    enter: Enter, ada: Operator, settings: object
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True

    answer = enter()

    assert answer.status_code == 200
    assert "errornote" in text(answer)


def test_an_address_has_a_bounded_number_of_attempts(
    enter: Enter, ada: Operator, attempts: int
) -> None:
    answers = [enter(password="wrong") for _ in range(attempts + 1)]

    assert [answer.status_code for answer in answers] == [200] * attempts + [429]
    assert int(answers[-1]["Retry-After"]) >= 1
    assert enter().status_code == 429


def test_many_addresses_that_guess_one_name_are_stopped(
    enter: Enter, ada: Operator, attempts: int
) -> None:
    guesses = [
        enter(f"192.0.2.{host}", username=("ada", "Ada")[host % 2], password="wrong")
        for host in range(attempts)
    ]

    stopped = enter("192.0.2.99")
    assert {answer.status_code for answer in guesses} == {200}
    assert (stopped.status_code, int(stopped["Retry-After"]) >= 1) == (429, True)
    assert enter("192.0.2.99", username="grace").status_code == 200


def test_a_next_that_leads_elsewhere_ends_in_the_console(enter: Enter, ada: Operator) -> None:
    answer = enter(next="https://elsewhere.example/")

    assert (answer.status_code, answer["Location"]) == (302, "/console/")


def test_flags_of_a_row_open_nothing() -> None:
    browser = Client()
    browser.force_login(OperatorFactory(is_staff=True, is_superuser=True))

    answer = browser.get("/console/tenants/tenant/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/console/login/")


def test_a_suspended_tenants_people_are_shut_out_and_others_of_theirs_are_not(
    heron: Household, magpie: Household
) -> None:
    person = OperatorFactory()
    MembershipFactory(tenant=heron.tenant, operator=person)
    browser = as_("tenant_admin", magpie.tenant, operator=person)
    Tenant.objects.filter(pk=heron.tenant.pk).update(status="suspended")

    page = text(browser.get(LISTS["client"]))

    assert "magpie-client" in page
    assert "heron-client" not in page


def test_a_form_from_elsewhere_is_refused_in_our_own_look() -> None:
    answer = Client(enforce_csrf_checks=True).post("/console/login/", {"username": "ada"})

    assert answer.status_code == 403
    assert b"did not come from here" in answer.content
    assert b"<style" not in answer.content
