"""Operators made and enrolled; signing in has a file of its own."""

import pytest

from noctis import errors, keyring
from tenants.models import AuditEntry, Operator
from tenants.services import operators
from tenants.services.clients import NameTaken
from tests.factories import ACTOR, PASSWORD, OperatorFactory, TenantFactory

pytestmark = pytest.mark.django_db


def create(**wanted: str) -> Operator:
    known = {"username": "ada", "password": PASSWORD, "role": "tenant_admin"} | wanted
    return operators.create_operator(**known, tenant=TenantFactory(slug="quay"), actor=ACTOR)


def test_an_operator_has_a_role_of_one_tenant_and_no_flags() -> None:
    person = create()

    (membership,) = person.memberships.all()
    assert (membership.role, membership.tenant.slug) == ("tenant_admin", "quay")
    assert person.check_password(PASSWORD)
    assert not person.is_superuser


def test_a_taken_username_is_refused_and_nothing_is_written() -> None:
    OperatorFactory(username="ada")

    with pytest.raises(NameTaken, match="ada"):
        create()

    assert Operator.objects.count() == 1
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    "wanted", [{"password": "short"}, {"password": "password123"}, {"username": "a b"}]
)
def test_a_weak_password_or_an_odd_name_is_refused(wanted: dict[str, str]) -> None:
    with pytest.raises(errors.Invalid):
        create(**wanted)

    assert not Operator.objects.exists()


def test_a_second_factor_is_sealed_and_replaces_the_one_before() -> None:
    person = OperatorFactory(otp_last_step=7)

    first, second = (
        operators.enrol_second_factor(operator=person, tenant=TenantFactory(), actor=ACTOR)
        for _ in range(2)
    )

    person.refresh_from_db()
    assert first != second
    assert second not in person.otp_secret
    assert keyring.decrypt(person.otp_secret).decode() == second
    assert person.otp_last_step == 0
