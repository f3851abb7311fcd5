"""A second factor that its owner enrols herself, and that only a platform admin disables."""

import re
import time
from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client

from noctis import keyring
from tenants import totp
from tenants.models import AuditEntry, Operator
from tenants.services import credentials
from tests.factories import ACTOR, PASSWORD, MembershipFactory, OperatorFactory, PlatformFactory
from tests.tenants.households import Household, as_, text

pytestmark = pytest.mark.django_db

ACCOUNT = "/console/account/"
DISABLE = "/console/tenants/operator/action/disable-second-factor/"
Do = Callable[..., HttpResponse]


@pytest.fixture
def ada(heron: Household) -> Operator:
    person = OperatorFactory(username="ada", password=PASSWORD)
    MembershipFactory(operator=person, tenant=heron.tenant)
    return person


def enter(otp: str = "") -> tuple[Client, HttpResponse]:
    browser = Client()
    form = {"username": "ada", "password": PASSWORD, "otp": otp, "next": "/console/"}
    return browser, browser.post("/console/login/", form)


@pytest.fixture
def browser(ada: Operator) -> Client:
    return enter()[0]


def offer(browser: Client, **more: str) -> HttpResponse:
    return browser.post(ACCOUNT, {"do": "factor", "password": PASSWORD} | more)


def confirm(browser: Client, code: str) -> HttpResponse:
    return browser.post(ACCOUNT, {"do": "confirm", "code": code})


def shown(answer: HttpResponse) -> str:
    found = re.search(r'tabindex="0">([A-Z2-7]{32})</pre>', text(answer))
    return found[1] if found else ""


def code_of(secret: str, later: int = 0) -> str:
    return totp.code_at(secret, int(time.time()) // totp.STEP_S + later)


def enrolments() -> int:
    return AuditEntry.objects.filter(action="operator.enrol_second_factor").count()


def test_a_secret_counts_once_a_code_of_it_is_confirmed(ada: Operator, browser: Client) -> None:
    offered = offer(browser)
    secret = shown(offered)
    before = Operator.objects.get(pk=ada.pk).otp_secret

    answer = confirm(browser, f"{code_of(secret)[:3]} {code_of(secret)[3:]}")

    kept = Operator.objects.get(pk=ada.pk).otp_secret
    entry = AuditEntry.objects.get(action="operator.enrol_second_factor")
    assert before == ""
    assert keyring.decrypt(kept).decode() == secret
    assert f"otpauth://totp/Noctis%3Aada?secret={secret}" in text(offered)
    assert "no-store" in offered["Cache-Control"]
    assert "no-store" in answer["Cache-Control"]
    assert ada.recovery_codes.count() == 10
    assert (entry.actor, entry.reason) == ("operator ada", "by herself")
    assert [enter()[1].status_code, enter(code_of(secret, 1))[1].status_code] == [200, 302]


def test_the_code_that_confirmed_it_signs_nobody_in(browser: Client) -> None:
    secret = shown(offer(browser))
    code = code_of(secret)
    confirm(browser, code)

    assert enter(code)[1].status_code == 200


def test_an_offered_secret_is_shown_once_and_kept_sealed(browser: Client, ada: Operator) -> None:
    secret = shown(offer(browser))

    page = text(browser.get(ACCOUNT))

    assert secret not in page
    assert 'value="confirm"' in page
    assert secret not in str(dict(browser.session.items()))
    assert enter()[1].status_code == 302


def test_a_wrong_code_confirms_nothing_and_the_right_one_still_does(
    browser: Client, ada: Operator
) -> None:
    secret = shown(offer(browser))

    wrong = confirm(browser, "000000x")
    unchanged = Operator.objects.get(pk=ada.pk).otp_secret
    confirm(browser, code_of(secret))

    assert "errornote" in text(wrong)
    assert unchanged == ""
    assert enrolments() == 1


def test_confirming_twice_or_without_an_offer_is_refused(browser: Client) -> None:
    unasked = confirm(browser, "123456")
    secret = shown(offer(browser))

    answers = [confirm(browser, code_of(secret)), confirm(browser, code_of(secret))]

    assert [unasked.status_code, *(answer.status_code for answer in answers)] == [409, 200, 409]
    assert enrolments() == 1


def test_a_wrong_password_is_offered_no_secret(browser: Client) -> None:
    answer = offer(browser, password="wrong")

    assert shown(answer) == ""
    assert "errornote" in text(answer)
    assert confirm(browser, "123456").status_code == 409


def test_who_has_a_second_factor_proves_it_before_it_is_replaced(ada: Operator) -> None:
    old, codes = credentials.reset_second_factor(operator=ada, actor=ACTOR)
    used = code_of(old)  # once: half a minute later there is another one
    browser, _ = enter(used)

    answers = [
        offer(browser),
        offer(browser, code=used),
        offer(browser, code="000000"),
        offer(browser, code=codes[0]),
        offer(browser, code=codes[0]),
    ]

    assert [bool(shown(answer)) for answer in answers] == [False, False, False, True, False]
    assert keyring.decrypt(Operator.objects.get(pk=ada.pk).otp_secret).decode() == old
    assert AuditEntry.objects.filter(action="operator.use_recovery_code").exists()


def test_enrolling_ends_the_sessions_that_began_without_it(browser: Client) -> None:
    other, _ = enter()
    secret = shown(offer(browser))

    confirm(browser, code_of(secret))

    assert browser.get("/console/").status_code == 200
    assert other.get("/console/").status_code == 302


def test_guessing_the_password_or_the_code_is_stopped(browser: Client, attempts: int) -> None:
    # Entering used one of them.
    answers = [offer(browser, password="wrong") for _ in range(attempts)]

    assert [answer.status_code for answer in answers] == [200] * (attempts - 1) + [429]
    assert offer(browser).status_code == 429


def test_a_platform_admin_disables_it_with_a_reason(ada: Operator) -> None:
    secret, codes = credentials.reset_second_factor(operator=ada, actor=ACTOR)
    hers, _ = enter(code_of(secret))
    admin = as_("platform_admin", PlatformFactory())
    body = {"pk": ada.pk, "reason": "lost it, seen in person"}

    for _ in range(2):
        admin.post(DISABLE, body)

    told = AuditEntry.objects.filter(action="operator.disable_second_factor")
    assert hers.get("/console/").status_code == 302
    assert enter()[1].status_code == 302
    assert enter(codes[0])[1].status_code == 302
    assert not ada.recovery_codes.exists()
    assert sorted(told.values_list("tenant__slug", flat=True)) == ["heron", "platform"]
    assert set(told.values_list("reason", flat=True)) == {"lost it, seen in person"}


def test_nobody_else_disables_it_nor_a_platform_admin_her_own(
    ada: Operator, heron: Household
) -> None:
    credentials.reset_second_factor(operator=ada, actor=ACTOR)
    platform = PlatformFactory()
    MembershipFactory(operator=ada, tenant=platform, role="platform_admin")
    own = Client()
    own.force_login(ada)
    body = {"pk": ada.pk, "reason": "x"}

    answers = [
        as_("tenant_admin", heron.tenant).post(DISABLE, body),
        as_("auditor", platform).post(DISABLE, body),
        as_("tenant_admin", platform).post(DISABLE, body),
        own.post(DISABLE, body),
        own.post(ACCOUNT, {"do": "disable", "password": PASSWORD}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403, 302, 404]
    assert Operator.objects.get(pk=ada.pk).otp_secret


def test_where_a_second_factor_is_required_it_is_not_disabled(
    ada: Operator, settings: object
) -> None:
    credentials.reset_second_factor(operator=ada, actor=ACTOR)
    settings.SECOND_FACTOR_REQUIRED = True
    admin = as_("platform_admin", PlatformFactory())

    page = text(admin.post(DISABLE, {"pk": ada.pk, "reason": "x"}, follow=True))

    assert "reset it instead" in page
    assert Operator.objects.get(pk=ada.pk).otp_secret


def test_a_given_password_enrols_nothing(ada: Operator) -> None:
    given = credentials.reset_password(operator=ada, actor=ACTOR)
    browser = Client()
    browser.post("/console/login/", {"username": "ada", "password": given, "otp": ""})

    answer = offer(browser, password=given)

    assert answer.status_code == 403
    assert 'value="factor"' not in text(browser.get(ACCOUNT))
