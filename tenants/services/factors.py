"""Second factors: used, enrolled by their owner once a code confirms them, taken away."""

import time

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction

from noctis import errors, keyring
from tenants import totp
from tenants.models import Operator
from tenants.services import credentials, operators
from tenants.services.audit import Actor

LONGEST_OTP = 8  # what is longer than a one-time code is a recovery code


class WrongCode(errors.Invalid):
    row = errors.registered(
        "wrong_code",
        422,
        "The code does not fit",
        "It is no code of this second factor at this time, or it was used before.",
        "Type the next code, and check the clock of what shows it.",
    )


class SecondFactorRequired(errors.Conflict):
    row = errors.registered(
        "second_factor_required",
        409,
        "A second factor is required",
        "Here nobody signs in without one.",
        "Reset it instead: the new one is shown once, to be handed over.",
    )


def passes(*, operator: Operator, code: str, actor: Actor) -> bool:
    """Use up a one-time code or a recovery code, and tell of the latter."""
    if not operator.otp_secret or len(code) <= LONGEST_OTP:
        return operators.passes_second_factor(operator=operator, code=code)
    if not credentials.use_recovery_code(operator=operator, code=code):
        return False
    credentials.tell(operator=operator, action="operator.use_recovery_code", actor=actor)
    return True


def offer_second_factor(*, operator: Operator, password: str, code: str, actor: Actor) -> str:
    """Draw a secret that counts for nothing yet; who has a second factor proves it as well."""
    operators.use_attempt_at(operator.username)
    if not operator.check_password(password):
        raise credentials.WrongPassword
    with transaction.atomic():
        if operator.otp_secret and not passes(operator=operator, code=code, actor=actor):
            raise WrongCode
    return totp.new_secret()


def confirm_second_factor(
    *, operator: Operator, secret: str, code: str, session_key: str, actor: Actor
) -> list[str]:
    """Keep the secret that this code comes from, end her other sessions, and draw new recovery
    codes; shown this once."""
    operators.use_attempt_at(operator.username)
    step = totp.matching_step(secret, code, now=time.time(), after=0)
    if step is None:
        raise WrongCode
    with transaction.atomic():
        row = Operator.objects.select_for_update().get(pk=operator.pk)
        if row.otp_secret and keyring.decrypt(row.otp_secret).decode() == secret:
            raise errors.Conflict("It was confirmed already.")
        row.otp_secret, row.otp_last_step = keyring.encrypt(secret.encode()), step
        row.save(update_fields=["otp_secret", "otp_last_step"])
        codes = credentials.replace_codes(operator=row)
        others = row.sessions.exclude(session=session_key)
        Session.objects.filter(pk__in=others.values("session")).delete()
        action = "operator.enrol_second_factor"
        credentials.tell(operator=row, action=action, actor=actor, reason="by herself")
    return codes


def disable_second_factor(*, operator: Operator, actor: Actor, reason: str) -> None:
    """Let her sign in by her password alone, where that is allowed; her sessions end."""
    if settings.SECOND_FACTOR_REQUIRED:
        raise SecondFactorRequired
    with transaction.atomic():
        row = Operator.objects.select_for_update().get(pk=operator.pk)
        if not row.otp_secret:
            return
        row.otp_secret, row.otp_last_step = "", 0
        row.save(update_fields=["otp_secret", "otp_last_step"])
        row.recovery_codes.all().delete()
        credentials.end_sessions(operator=row)
        action = "operator.disable_second_factor"
        credentials.tell(operator=row, action=action, actor=actor, reason=reason)
