"""Who may make whom what: given, changed and taken away, by nobody beyond her own reach."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from noctis import errors
from tenants.models import AuditEntry, Membership, Operator
from tenants.roles import ConsoleRole
from tenants.services import members
from tenants.services.audit import Actor
from tests.factories import (
    ACTOR,
    MembershipFactory,
    OperatorFactory,
    PlatformFactory,
    TenantFactory,
)

pytestmark = pytest.mark.django_db

R = ConsoleRole
BY = {"actor": ACTOR, "reason": "asked for"}


def admin_of(tenant: object, role: str = R.TENANT_ADMIN) -> Operator:
    person: Operator = MembershipFactory(tenant=tenant, role=role).operator
    return person


def written() -> list[tuple[str, object, object, str]]:
    entries = AuditEntry.objects.order_by("pk")
    return [(entry.action, entry.before, entry.after, entry.reason) for entry in entries]


def test_a_member_is_added_once_however_often_it_is_asked() -> None:
    tenant, person = TenantFactory(), OperatorFactory()
    by = admin_of(tenant)

    for _ in range(2):
        members.add_member(tenant=tenant, operator=person, role=R.AUDITOR, by=by, **BY)

    assert person.memberships.get().role == "auditor"
    assert written() == [("member.add", None, {"role": "auditor"}, "asked for")]


def test_adding_who_is_something_else_changes_nothing() -> None:
    held = MembershipFactory(role=R.TENANT_VIEWER)
    by = admin_of(held.tenant)

    with pytest.raises(members.AlreadyMember):
        members.add_member(tenant=held.tenant, operator=held.operator, role=R.AUDITOR, by=by, **BY)

    assert Membership.objects.get(pk=held.pk).role == "tenant_viewer"
    assert written() == []


def test_a_role_is_changed_once_and_the_log_tells_both() -> None:
    held = MembershipFactory(role=R.TENANT_VIEWER)
    by = admin_of(held.tenant)

    for _ in range(2):
        members.change_role(membership=held, role=R.AUDITOR, by=by, **BY)

    assert written() == [
        ("member.change_role", {"role": "tenant_viewer"}, {"role": "auditor"}, "asked for")
    ]


def test_a_member_is_removed_and_then_no_longer_there() -> None:
    held = MembershipFactory(role=R.TENANT_VIEWER)
    by = admin_of(held.tenant)

    members.remove_member(membership=held, by=by, **BY)

    with pytest.raises(errors.Missing):
        members.remove_member(membership=held, by=by, **BY)
    assert not held.operator.memberships.exists()
    assert written() == [("member.remove", {"role": "tenant_viewer"}, None, "asked for")]


Deal = Callable[[Membership, Operator], object]
DEALS: dict[str, Deal] = {
    "add": lambda held, by: members.add_member(
        tenant=held.tenant, operator=by, role=R.AUDITOR, by=by, **BY
    ),
    "change": lambda held, by: members.change_role(membership=held, role=R.AUDITOR, by=by, **BY),
    "remove": lambda held, by: members.remove_member(membership=held, by=by, **BY),
}


@pytest.mark.parametrize("deal", DEALS.values(), ids=DEALS)
def test_nobody_changes_what_she_is_herself(deal: Deal) -> None:
    own = MembershipFactory(tenant=PlatformFactory(), role=R.PLATFORM_ADMIN)
    admin_of(own.tenant, R.PLATFORM_ADMIN)

    with pytest.raises(members.OwnMembership):
        deal(own, own.operator)

    assert Membership.objects.get(pk=own.pk).role == "platform_admin"
    assert written() == []


BEYOND = [R.PLATFORM_ADMIN, R.OPERATOR, R.MODEL_MANAGER, R.AUDITOR]


@pytest.mark.parametrize("role", BEYOND)
def test_who_administers_the_platforms_members_gives_and_takes_nothing_beyond_her_own(
    role: ConsoleRole,
) -> None:
    platform = PlatformFactory()
    by = admin_of(platform)
    high, low = (MembershipFactory(tenant=platform, role=r) for r in (role, R.TENANT_VIEWER))
    deals: list[Callable[[], object]] = [
        lambda: members.add_member(
            tenant=platform, operator=OperatorFactory(), role=role, by=by, **BY
        ),
        lambda: members.create_operator(username="eve", tenant=platform, role=role, by=by, **BY),
        lambda: members.change_role(membership=low, role=role, by=by, **BY),
        lambda: members.change_role(membership=high, role=R.TENANT_VIEWER, by=by, **BY),
        lambda: members.remove_member(membership=high, by=by, **BY),
    ]

    for deal in deals:
        with pytest.raises(members.RoleBeyondOwn):
            deal()

    assert written() == []
    assert not Operator.objects.filter(username="eve").exists()


def test_two_memberships_do_not_add_up_to_a_role_that_sees_everybody() -> None:
    platform = PlatformFactory()
    by = admin_of(platform, R.AUDITOR)
    MembershipFactory(operator=by, tenant=TenantFactory(), role=R.TENANT_ADMIN)

    with pytest.raises(members.RoleBeyondOwn):
        members.add_member(
            tenant=platform, operator=OperatorFactory(), role=R.OPERATOR, by=by, **BY
        )


def test_a_strangers_member_is_beyond_a_tenants_admin() -> None:
    held = MembershipFactory(role=R.TENANT_VIEWER)
    by = admin_of(TenantFactory())

    with pytest.raises(members.RoleBeyondOwn):
        members.remove_member(membership=held, by=by, **BY)

    assert Membership.objects.filter(pk=held.pk).exists()


def test_a_customers_tenant_has_no_platform_admin() -> None:
    tenant = TenantFactory()
    by = admin_of(PlatformFactory(), R.PLATFORM_ADMIN)

    with pytest.raises(errors.Invalid) as refused:
        members.create_operator(username="eve", tenant=tenant, role=R.PLATFORM_ADMIN, by=by, **BY)

    assert [problem.pointer for problem in refused.value.problems] == ["/role"]
    assert not Operator.objects.filter(username="eve").exists()


def test_a_shut_out_admin_does_not_count_as_one_who_could_look_after_the_platform() -> None:
    platform = PlatformFactory()
    last = MembershipFactory(tenant=platform, role=R.PLATFORM_ADMIN)
    by = admin_of(platform, R.PLATFORM_ADMIN)
    assert by.held
    Operator.objects.filter(pk=by.pk).update(is_active=False)

    for deal in (DEALS["change"], DEALS["remove"]):
        with pytest.raises(members.LastPlatformAdmin):
            deal(last, by)

    assert Membership.objects.get(pk=last.pk).role == "platform_admin"


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_remove_each_other_one_stays() -> None:
    platform = PlatformFactory()
    ada, eve = (MembershipFactory(tenant=platform, role=R.PLATFORM_ADMIN) for _ in range(2))
    # Both are known to be admins before either begins.
    assert ada.operator.held
    assert eve.operator.held
    together, outcomes = threading.Barrier(2), []

    def race(mine: Membership, hers: Membership) -> None:
        together.wait()
        try:
            members.remove_member(membership=hers, by=mine.operator, **BY)
            outcomes.append("removed")
        except members.LastPlatformAdmin:
            outcomes.append("kept")
        connection.close()

    racers = [threading.Thread(target=race, args=pair) for pair in ((ada, eve), (eve, ada))]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    assert sorted(outcomes) == ["kept", "removed"]
    assert Membership.objects.filter(role="platform_admin").count() == 1


def test_a_new_operators_password_has_to_be_changed_and_her_factor_counts() -> None:
    tenant = TenantFactory()
    actor = Actor("operator ada", AuditEntry.Channel.CONSOLE)

    given = members.create_operator(
        username="eve",
        tenant=tenant,
        role=R.TENANT_VIEWER,
        by=admin_of(tenant),
        actor=actor,
        reason="starts on Monday",
    )

    person = Operator.objects.get(username="eve")
    assert person.check_password(given.password)
    assert person.must_change_password
    assert person.otp_secret
    assert person.recovery_codes.count() == len(given.codes) == 10
    assert written() == [
        (
            "operator.create",
            None,
            {"username": "eve", "role": "tenant_viewer"},
            "starts on Monday",
        )
    ]


def test_only_who_is_seen_is_found_by_name() -> None:
    tenant = TenantFactory()
    by = admin_of(tenant)
    colleague = MembershipFactory(tenant=tenant).operator
    stranger = MembershipFactory().operator
    platform = admin_of(PlatformFactory(), R.PLATFORM_ADMIN)

    assert members.colleague_called(by=by, username=colleague.username) == colleague
    assert members.colleague_called(by=platform, username=stranger.username) == stranger
    for name in (stranger.username, "nobody"):
        with pytest.raises(errors.Missing):
            members.colleague_called(by=by, username=name)
