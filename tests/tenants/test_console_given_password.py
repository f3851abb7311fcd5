"""A password that somebody else gave opens nothing but its change, and the way out."""

import pytest
from django.test import Client

from tenants.models import Operator
from tenants.services import credentials
from tests.factories import ACTOR, PASSWORD, MembershipFactory, OperatorFactory
from tests.tenants.households import Household

pytestmark = pytest.mark.django_db
ACCOUNT = "/console/account/"


@pytest.fixture
def given(heron: Household) -> str:
    """What a platform admin read out to her."""
    person = OperatorFactory(username="ada", password=PASSWORD)
    MembershipFactory(operator=person, tenant=heron.tenant)
    return credentials.reset_password(operator=person, actor=ACTOR)


@pytest.fixture
def browser(given: str) -> Client:
    browser = Client()
    browser.post("/console/login/", {"username": "ada", "password": given, "otp": ""})
    return browser


def ada() -> Operator:
    return Operator.objects.get(username="ada")


def test_it_draws_no_recovery_codes(browser: Client, given: str) -> None:
    answer = browser.post(ACCOUNT, {"do": "codes", "password": given})

    assert answer.status_code == 403
    assert not ada().recovery_codes.exists()


def test_it_ends_no_session(browser: Client, given: str) -> None:
    Client().post("/console/login/", {"username": "ada", "password": given, "otp": ""})
    other = ada().sessions.exclude(session_id=browser.session.session_key).get()

    answer = browser.post(ACCOUNT, {"do": "end", "session": other.pk})

    assert answer.status_code == 403
    assert ada().sessions.count() == 2


def test_it_is_not_changed_into_itself(browser: Client, given: str) -> None:
    browser.post(ACCOUNT, {"do": "password", "old": given, "new": given, "again": given})

    assert ada().must_change_password
    assert browser.get("/console/")["Location"] == ACCOUNT


def test_its_page_offers_nothing_else(browser: Client) -> None:
    page = browser.get(ACCOUNT).content.decode()

    assert 'value="password"' in page
    assert 'value="codes"' not in page


def test_who_has_it_can_sign_out(browser: Client) -> None:
    browser.post("/console/logout/")

    assert browser.get(ACCOUNT)["Location"].startswith("/console/login/")


@pytest.mark.parametrize("pk", ["9" * 5_000, "²", "", "-1"])
def test_a_session_that_cannot_be_is_not_there(heron: Household, pk: str) -> None:
    person = MembershipFactory(operator=OperatorFactory(), tenant=heron.tenant).operator
    browser = Client()
    browser.force_login(person)

    assert browser.post(ACCOUNT, {"do": "end", "session": pk}).status_code == 404
