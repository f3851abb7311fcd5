"""What an operator signs in with: passwords and second factors, chosen by her or given anew."""

import hashlib
import secrets
from collections.abc import Iterator

from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from noctis import errors
from tenants.models import Operator, RecoveryCode, Tenant
from tenants.services import audit, operators
from tenants.services.audit import Actor

CODES = 10
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 characters; none is taken for another


class WrongPassword(errors.Invalid):
    row = errors.registered(
        "wrong_password",
        422,
        "The password is not the present one",
        "Changing it needs the present password.",
        "Type the present password; who forgot it is given a new one by `manage.py operator`.",
    )


def change_password(*, operator: Operator, old: str, new: str, actor: Actor) -> Operator:
    """Replace her password by one that she chose; her other sessions and tokens end."""
    operators.use_attempt_at(operator.username)
    if not operator.check_password(old):
        raise WrongPassword
    if new == old:
        raise errors.Invalid(problems=[_weak("The new password is the present one.")])
    try:
        validate_password(new, operator)
    except ValidationError as error:
        raise errors.Invalid(problems=[_weak(text) for text in error.messages]) from None
    return _set_password(operator, new, actor, "operator.change_password", "by herself")


def _weak(text: str) -> errors.Problem:
    return errors.Problem("/new", "weak_password", text)


def reset_password(*, operator: Operator, actor: Actor, reason: str = "") -> str:
    """Give her a password that holds until she signs in and has to choose one; shown this once."""
    password = secrets.token_urlsafe(15)
    _set_password(operator, password, actor, "operator.reset_password", reason)
    return password


def _set_password(
    operator: Operator, password: str, actor: Actor, action: str, reason: str
) -> Operator:
    with transaction.atomic():
        row = Operator.objects.select_for_update().get(pk=operator.pk)
        row.set_password(password)
        row.must_change_password = action == "operator.reset_password"
        row.save(update_fields=["password", "must_change_password"])
        end_sessions(operator=row)
        tell(operator=row, action=action, actor=actor, reason=reason)
    return row


def end_sessions(*, operator: Operator) -> None:
    """Sign her out everywhere; the caller's transaction tells why."""
    Session.objects.filter(pk__in=operator.sessions.values("session")).delete()


def reset_second_factor(
    *, operator: Operator, actor: Actor, reason: str = ""
) -> tuple[str, list[str]]:
    """Give her a new secret for one-time codes and new recovery codes; shown this once.

    Whoever came in with the old ones is signed out."""
    with transaction.atomic():
        secret, codes = give_second_factor(operator=operator)
        end_sessions(operator=operator)
        tell(operator=operator, action="operator.enrol_second_factor", actor=actor, reason=reason)
    return secret, codes


def give_second_factor(*, operator: Operator) -> tuple[str, list[str]]:
    """Keep a new secret and new recovery codes; the caller's transaction tells of it."""
    return operators.keep_new_secret(operator=operator), replace_codes(operator=operator)


def renew_recovery_codes(*, operator: Operator, password: str, actor: Actor) -> list[str]:
    """Replace all her recovery codes, used or not; shown this once."""
    operators.use_attempt_at(operator.username)
    if not operator.check_password(password):
        raise WrongPassword
    with transaction.atomic():
        codes = replace_codes(operator=operator)
        action = "operator.renew_recovery_codes"
        tell(operator=operator, action=action, actor=actor, reason="by herself")
    return codes


def replace_codes(*, operator: Operator) -> list[str]:
    """Draw recovery codes in place of all before; the caller's transaction tells of it."""
    Operator.objects.select_for_update().get(pk=operator.pk)
    operator.recovery_codes.all().delete()
    codes = [_new_code() for _ in range(CODES)]
    rows = [RecoveryCode(operator=operator, digest=digest_of(code)) for code in codes]
    RecoveryCode.objects.bulk_create(rows)
    return codes


def _new_code() -> str:
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))


def digest_of(code: str) -> str:
    """Of the code as it is typed: blanks, dashes and capitals do not count."""
    plain = "".join(code.lower().replace("-", "").split())
    return hashlib.sha256(plain.encode()).hexdigest()


def use_recovery_code(*, operator: Operator, code: str) -> bool:
    """Use a code up, once whoever else tries it at the same time."""
    unused = operator.recovery_codes.filter(digest=digest_of(code), used_at=None)
    return unused.update(used_at=timezone.now()) == 1


def tell(*, operator: Operator, action: str, actor: Actor, reason: str = "") -> None:
    """Write an entry into the log of each of her tenants and of the platform."""
    for tenant in _told(operator):
        audit.record(actor=actor, tenant=tenant, action=action, subject=operator, reason=reason)


def _told(operator: Operator) -> Iterator[Tenant]:
    """In the order of their keys: two such acts never wait for each other's chains in a circle."""
    own = Tenant.objects.filter(memberships__operator=operator)
    yield from (own | Tenant.objects.platform()).distinct().order_by("pk")
