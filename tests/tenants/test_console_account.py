"""An operator's own page and what others may reset: passwords, recovery codes, sessions."""

import re
import time

import pytest
from django.http import HttpResponse
from django.test import Client

from tenants import totp
from tenants.models import AuditEntry, ConsoleSession, Operator
from tenants.services import credentials, operators
from tests.factories import ACTOR, PASSWORD, MembershipFactory, OperatorFactory, PlatformFactory
from tests.tenants.households import Household, as_, text

pytestmark = pytest.mark.django_db

ACCOUNT = "/console/account/"
SESSIONS = "/console/tenants/consolesession/"
NEXT = "owl-harbour-candle-12"


@pytest.fixture
def ada(heron: Household) -> Operator:
    person = OperatorFactory(username="ada", password=PASSWORD)
    MembershipFactory(operator=person, tenant=heron.tenant)
    return person


def enter(password: str = PASSWORD, otp: str = "") -> tuple[Client, HttpResponse]:
    browser = Client(headers={"User-Agent": "Firefox on a night desk"})
    form = {"username": "ada", "password": password, "otp": otp, "next": "/console/"}
    return browser, browser.post("/console/login/", form)


def is_in(browser: Client) -> bool:
    return browser.get("/console/").status_code == 200


def change(browser: Client, **changes: str) -> HttpResponse:
    right = {"do": "password", "old": PASSWORD, "new": NEXT, "again": NEXT}
    return browser.post(ACCOUNT, right | changes)


def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one(ada: Operator) -> None:
    here, _ = enter()
    there, _ = enter()

    answer = change(here)

    assert answer.status_code == 302
    assert is_in(here)
    assert not is_in(there)
    assert ConsoleSession.objects.count() == 1
    assert [enter()[1].status_code, enter(NEXT)[1].status_code] == [200, 302]
    assert AuditEntry.objects.filter(action="operator.change_password").count() == 1


@pytest.mark.parametrize(
    "wrong", [{"old": "x"}, {"again": "x"}, {"new": "short", "again": "short"}, {"do": "nothing"}]
)
def test_a_password_that_is_refused_changes_nothing(wrong: dict[str, str], ada: Operator) -> None:
    browser, _ = enter()

    answer = change(browser, **wrong)

    assert answer.status_code == (404 if "do" in wrong else 200)
    assert Operator.objects.get(pk=ada.pk).check_password(PASSWORD)
    assert not AuditEntry.objects.filter(action="operator.change_password").exists()


def test_guessing_the_present_password_on_the_own_page_is_stopped(
    ada: Operator, attempts: int
) -> None:
    browser, _ = enter()

    # Entering used one of them.
    answers = [change(browser, old="wrong").status_code for _ in range(attempts)]

    assert answers == [200] * (attempts - 1) + [429]


def test_a_recovery_code_enters_once_and_the_log_says_so(ada: Operator) -> None:
    _, codes = credentials.reset_second_factor(operator=ada, actor=ACTOR)

    answers = [enter(otp=codes[0].upper()), enter(otp=codes[0]), enter(otp=codes[1])]

    assert [answer.status_code for _, answer in answers] == [302, 200, 302]
    assert AuditEntry.objects.filter(action="operator.use_recovery_code").count() == 2
    assert ada.recovery_codes.filter(used_at=None).count() == 8


def test_codes_are_kept_as_digests_and_new_ones_replace_the_old(ada: Operator) -> None:
    secret, old = credentials.reset_second_factor(operator=ada, actor=ACTOR)
    browser, _ = enter(otp=totp.code_at(secret, int(time.time()) // totp.STEP_S))

    refused = browser.post(ACCOUNT, {"do": "codes", "password": "wrong"})
    page = browser.post(ACCOUNT, {"do": "codes", "password": PASSWORD})

    codes = text(page).split("<pre")[1].split(">")[1].split("<")[0].split()
    kept = set(ada.recovery_codes.values_list("digest", flat=True))
    assert "copyable" not in text(refused)
    assert len(codes) == 10
    assert kept == {credentials.digest_of(code) for code in codes}
    assert "no-store" in page["Cache-Control"]
    assert enter(otp=old[0])[1].status_code == 200
    assert codes[0] not in text(browser.get(ACCOUNT))


def test_a_session_is_listed_where_it_came_from_and_ended_by_its_owner(ada: Operator) -> None:
    here, _ = enter()
    there, _ = enter()
    other = ConsoleSession.objects.exclude(session_id=here.session.session_key).get()

    page = text(here.get(ACCOUNT))
    here.post(ACCOUNT, {"do": "end", "session": other.pk})

    assert page.count("Firefox on a night desk") == 2
    assert there.session.session_key not in page
    assert is_in(here)
    assert not is_in(there)
    assert AuditEntry.objects.filter(action="operator.end_session").count() == 1


def test_nobody_ends_a_stranger_s_session(ada: Operator, heron: Household) -> None:
    enter()
    stranger = as_("tenant_admin", heron.tenant)
    hers = ConsoleSession.objects.get()

    answers = [
        stranger.post(ACCOUNT, {"do": "end", "session": hers.pk}),
        stranger.post(
            "/console/tenants/consolesession/action/end/", {"pk": hers.pk, "reason": "x"}
        ),
        stranger.get(SESSIONS),
    ]

    assert [answer.status_code for answer in answers] == [404, 403, 403]
    assert ConsoleSession.objects.count() == 1


def test_a_platform_admin_signs_somebody_out(ada: Operator) -> None:
    hers, _ = enter()
    browser = as_("platform_admin", PlatformFactory())
    row = ConsoleSession.objects.get()

    listed = text(browser.get(SESSIONS))
    browser.post(f"{SESSIONS}action/end/", {"pk": row.pk, "reason": "lost laptop"})

    assert "ada" in listed
    assert hers.session.session_key not in listed
    assert not is_in(hers)
    assert set(
        AuditEntry.objects.filter(action="operator.end_session").values_list("reason", flat=True)
    ) == {"lost laptop"}


def test_a_reset_password_is_shown_once_and_opens_nothing_but_its_change(ada: Operator) -> None:
    admin = as_("platform_admin", PlatformFactory())
    url = "/console/tenants/operator/action/reset-password/"
    before, _ = enter()

    page = text(admin.post(url, {"pk": ada.pk, "reason": "forgot it"}))
    given = re.search(r'<pre class="copyable"[^>]*>([^<]+)</pre>', page)[1]
    browser, answer = enter(given)

    assert not is_in(before)
    assert answer.status_code == 302
    assert browser.get("/console/tenants/tenant/")["Location"] == ACCOUNT
    api = {"username": "ada", "password": given, "tenant": "heron"}
    assert Client().post("/v1/auth/token", api, content_type="application/json").status_code == 401
    assert change(browser, old=given).status_code == 302
    assert is_in(browser)


def test_only_the_platform_s_admin_resets_what_somebody_signs_in_with(
    ada: Operator, heron: Household
) -> None:
    browsers = [as_("tenant_admin", heron.tenant), as_("auditor", PlatformFactory())]

    answers = [
        browser.post(f"/console/tenants/operator/action/{name}/", {"pk": ada.pk, "reason": "x"})
        for browser in browsers
        for name in ("reset-password", "reset-second-factor")
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert Operator.objects.get(pk=ada.pk).check_password(PASSWORD)


def test_a_new_second_factor_from_an_admin_replaces_the_old(ada: Operator) -> None:
    tenant = ada.memberships.get().tenant
    old = operators.enrol_second_factor(operator=ada, tenant=tenant, actor=ACTOR)
    admin = as_("platform_admin", PlatformFactory())
    thief, _ = enter(otp=totp.code_at(old, int(time.time()) // totp.STEP_S))

    page = text(
        admin.post(
            "/console/tenants/operator/action/reset-second-factor/",
            {"pk": ada.pk, "reason": "new telephone"},
        )
    )
    secret = re.search(r'tabindex="0">([A-Z2-7]{32})</pre>', page)[1]
    step = int(time.time()) // totp.STEP_S

    assert not is_in(thief)
    assert enter(otp=totp.code_at(old, step))[1].status_code == 200
    assert enter(otp=totp.code_at(secret, step))[1].status_code == 302
