"""Tenants by the services that open, suspend and resume them."""

import pytest

from noctis import errors
from tenants.models import AuditEntry, Tenant
from tenants.services import tenants
from tests.factories import ACTOR, PlatformFactory, TenantFactory


def told(tenant: Tenant) -> list[str]:
    owned = AuditEntry.objects.owned_by(tenant).order_by("sequence")
    return list(owned.values_list("action", flat=True))


def refusal(**wanted: str) -> list[tuple[str, str]]:
    with pytest.raises(errors.Invalid) as refused:
        tenants.create_tenant(**{"slug": "quay", "name": "Quay", **wanted}, actor=ACTOR)
    return [(problem.pointer, problem.detail) for problem in refused.value.problems]


@pytest.mark.django_db
def test_a_tenants_chain_begins_with_its_making() -> None:
    tenant = tenants.create_tenant(slug="quay", name="Quay", timezone="Europe/Oslo", actor=ACTOR)

    assert (tenant.kind, tenant.status, tenant.timezone) == ("customer", "active", "Europe/Oslo")
    assert told(tenant) == ["tenant.create"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", ""),
        ("slug", "Quay"),
        ("slug", "a:b"),
        ("slug", "-quay"),
        ("slug", "quay\n"),
        ("slug", "x" * 64),
        ("name", ""),
        ("timezone", "Europe/Atlantis"),
        ("kind", "reseller"),
    ],
)
def test_a_tenant_that_cannot_be_is_refused_by_field(field: str, value: str) -> None:
    assert [pointer for pointer, _ in refusal(**{field: value})] == [f"/{field}"]

    assert not Tenant.objects.exists()


@pytest.mark.django_db
def test_a_taken_slug_is_refused() -> None:
    TenantFactory(slug="quay")

    assert [pointer for pointer, _ in refusal()] == ["/slug"]


@pytest.mark.django_db
def test_a_second_platform_tenant_is_refused_in_words() -> None:
    PlatformFactory()

    assert refusal(kind="platform") == [("/", "There is a platform tenant already.")]


@pytest.mark.django_db
def test_suspending_and_resuming_twice_is_told_once_each() -> None:
    tenant = TenantFactory()

    suspended = [
        tenants.suspend_tenant(tenant=tenant, actor=ACTOR, reason="unpaid").status for _ in "12"
    ]
    resumed = [
        tenants.resume_tenant(tenant=tenant, actor=ACTOR, reason="paid").status for _ in "12"
    ]

    assert suspended == ["suspended", "suspended"]
    assert resumed == ["active", "active"]
    assert told(tenant) == ["tenant.suspend", "tenant.resume"]


@pytest.mark.django_db
def test_the_platform_tenant_cannot_be_suspended() -> None:
    platform = PlatformFactory()

    with pytest.raises(errors.Conflict, match="platform tenant"):
        tenants.suspend_tenant(tenant=platform, actor=ACTOR, reason="")

    platform.refresh_from_db()
    assert not platform.is_suspended
    assert told(platform) == []


@pytest.mark.django_db
def test_live_staging_is_switched_with_a_reason_and_told_once() -> None:
    tenant = TenantFactory()

    off = tenants.set_live_staging(tenant=tenant, is_on=False, actor=ACTOR, reason="by contract")
    tenants.set_live_staging(tenant=tenant, is_on=False, actor=ACTOR, reason="by contract")

    entry = AuditEntry.objects.get(action="tenant.stage_live")
    assert (tenant.stages_live, off.stages_live) == (True, False)
    assert (entry.before, entry.after) == ({"stages_live": True}, {"stages_live": False})
