"""Second factors as services: what holds whichever page asks."""

import time

import pytest

from noctis import errors, keyring
from tenants import totp
from tenants.models import AuditEntry, Operator
from tenants.services import credentials, factors
from tests.factories import ACTOR, PASSWORD, MembershipFactory, OperatorFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Operator:
    person: Operator = OperatorFactory(username="ada", password=PASSWORD)
    MembershipFactory(operator=person)
    return person


def code_of(secret: str, later: int = 0) -> str:
    return totp.code_at(secret, int(time.time()) // totp.STEP_S + later)


def confirm(person: Operator, secret: str, code: str = "") -> list[str]:
    return factors.confirm_second_factor(
        operator=person,
        secret=secret,
        code=code or code_of(secret),
        session_key="",
        actor=ACTOR,
    )


def test_a_new_one_is_confirmed_in_the_half_minute_in_which_the_old_was_used(ada: Operator) -> None:
    old, _ = credentials.reset_second_factor(operator=ada, actor=ACTOR)
    proof = code_of(old, 1)

    secret = factors.offer_second_factor(operator=ada, password=PASSWORD, code=proof, actor=ACTOR)
    confirm(Operator.objects.get(pk=ada.pk), secret)

    kept = Operator.objects.get(pk=ada.pk).otp_secret
    assert keyring.decrypt(kept).decode() == secret != old


def test_confirming_again_keeps_the_recovery_codes_that_were_shown(ada: Operator) -> None:
    secret = totp.new_secret()
    codes = confirm(ada, secret)

    with pytest.raises(errors.Conflict):
        confirm(ada, secret, code_of(secret, 1))

    kept = set(ada.recovery_codes.values_list("digest", flat=True))
    assert kept == {credentials.digest_of(code) for code in codes}
    assert AuditEntry.objects.filter(action="operator.enrol_second_factor").count() == 1


def test_codes_are_guessed_at_a_bounded_pace(ada: Operator, attempts: int) -> None:
    secret = totp.new_secret()

    for _ in range(attempts):
        with pytest.raises(factors.WrongCode):
            confirm(ada, secret, "wrong")

    with pytest.raises(errors.RateLimited):
        confirm(ada, secret)
    assert not Operator.objects.get(pk=ada.pk).otp_secret


def test_where_it_is_required_it_cannot_be_disabled(ada: Operator, settings: object) -> None:
    credentials.reset_second_factor(operator=ada, actor=ACTOR)
    settings.SECOND_FACTOR_REQUIRED = True

    with pytest.raises(factors.SecondFactorRequired):
        factors.disable_second_factor(operator=ada, actor=ACTOR, reason="x")

    assert Operator.objects.get(pk=ada.pk).otp_secret


def test_disabling_what_is_not_there_writes_nothing(ada: Operator) -> None:
    factors.disable_second_factor(operator=ada, actor=ACTOR, reason="x")

    assert not AuditEntry.objects.exists()
