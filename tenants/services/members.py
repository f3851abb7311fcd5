"""Who is what in which tenant: given, changed and taken away, by nobody beyond her own reach."""

import secrets
from dataclasses import dataclass

from django.db import transaction

from noctis import errors
from tenants.models import Membership, Operator, Tenant
from tenants.roles import Capability, ConsoleRole
from tenants.services import audit, credentials, operators
from tenants.services.audit import Actor

ADMIN = ConsoleRole.PLATFORM_ADMIN


class RoleBeyondOwn(errors.Forbidden):
    row = errors.registered(
        "role_beyond_own",
        403,
        "The role reaches beyond your own",
        "Nobody gives, changes or takes away a role that may do more than she may herself.",
        "Ask somebody whose role reaches as far, or a platform admin.",
    )


class OwnMembership(errors.Conflict):
    row = errors.registered(
        "own_membership",
        409,
        "Your own membership",
        "Nobody changes what she is herself.",
        "Ask somebody else who may.",
    )


class LastPlatformAdmin(errors.Conflict):
    row = errors.registered(
        "last_platform_admin",
        409,
        "The last platform admin",
        "Without her nobody could look after the platform.",
        "Make somebody else platform admin first.",
    )


class AlreadyMember(errors.Conflict):
    row = errors.registered(
        "already_member",
        409,
        "A member already",
        "The operator has another role in this tenant, and one at a time.",
        "Change the role that she has.",
    )


@dataclass(frozen=True)
class Handover:
    """What a new operator is given, at the only moment at which it can be seen."""

    operator: Operator
    password: str
    secret: str
    codes: list[str]


def check_reach(*, by: Operator, membership: Membership) -> None:
    """Refuse what is her own, and what reaches beyond her own."""
    if membership.operator_id == by.pk:
        raise OwnMembership
    if not by.may_give(membership):
        raise RoleBeyondOwn


def colleague_called(*, by: Operator, username: str) -> Operator:
    """Find an operator among those whom she sees; a stranger is not there."""
    rows = Operator.objects.filter(username=username)
    reach = by.reach(Capability.CLIENTS_READ)
    if reach is not None:
        rows = rows.filter(pk__in=Membership.objects.filter(tenant__in=reach).values("operator"))
    found = rows.first()
    if found is None:
        raise errors.Missing("None of your tenants has an operator of this name. Create her here.")
    return found


def add_member(
    *,
    tenant: Tenant,
    operator: Operator,
    role: ConsoleRole,
    by: Operator,
    actor: Actor,
    reason: str,
) -> Membership:
    """Give an operator a role in a tenant. Safe to repeat; another role is not slipped in."""
    _check_given(Membership(tenant=tenant, operator=operator, role=role), by)
    with transaction.atomic():
        held, is_new = Membership.objects.get_or_create(
            tenant=tenant, operator=operator, defaults={"role": role}
        )
        if held.role != role:
            raise AlreadyMember(f"{held} already; change the role that she has.")
        if is_new:
            _tell(held, actor, "member.add", reason, after=role)
    return held


def create_operator(
    *, username: str, tenant: Tenant, role: ConsoleRole, by: Operator, actor: Actor, reason: str
) -> Handover:
    """Make an operator with a password that she has to change, and a second factor."""
    _check_given(Membership(tenant=tenant, role=role), by)
    password = secrets.token_urlsafe(15)
    with transaction.atomic():
        person = operators.create_operator(
            username=username,
            password=password,
            tenant=tenant,
            role=role,
            actor=actor,
            reason=reason,
        )
        person.must_change_password = True
        person.save(update_fields=["must_change_password"])
        secret, codes = credentials.give_second_factor(operator=person)
    return Handover(person, password, secret, codes)


def change_role(
    *, membership: Membership, role: ConsoleRole, by: Operator, actor: Actor, reason: str
) -> Membership:
    """Make a member something else in the same tenant, from her next request on."""
    with transaction.atomic():
        held = _locked(membership, by)
        if held.role == role:
            return held
        _check_given(Membership(tenant=held.tenant, operator=held.operator, role=role), by)
        _keep_an_admin(held)
        before, held.role = held.role, role
        held.save(update_fields=["role"])
        _tell(held, actor, "member.change_role", reason, before=before, after=role)
    return held


def remove_member(*, membership: Membership, by: Operator, actor: Actor, reason: str) -> None:
    """Take an operator's role in a tenant away, from her next request on; her name stays taken."""
    with transaction.atomic():
        held = _locked(membership, by)
        _keep_an_admin(held)
        _tell(held, actor, "member.remove", reason, before=held.role)
        held.delete()


def _check_given(wanted: Membership, by: Operator) -> None:
    if wanted.role == ADMIN and not wanted.tenant.is_platform:
        told = f"{ADMIN} is a role of the platform's own tenant alone."
        raise errors.Invalid(problems=[errors.Problem("/role", "not_here", told)])
    check_reach(by=by, membership=wanted)


def _locked(membership: Membership, by: Operator) -> Membership:
    rows = Membership.objects.select_for_update(of=("self",)).select_related("tenant", "operator")
    held = rows.filter(pk=membership.pk).first()
    if held is None:
        raise errors.Missing("It is no longer there.")
    check_reach(by=by, membership=held)
    return held


def _keep_an_admin(held: Membership) -> None:
    if held.role != ADMIN or not held.tenant.is_platform:
        return
    # Two admins who remove each other go one after the other, so that the second is seen as last.
    Tenant.objects.select_for_update(no_key=True).get(pk=held.tenant_id)
    admins = Membership.objects.filter(tenant=held.tenant, role=ADMIN, operator__is_active=True)
    if not admins.exclude(pk=held.pk).exists():
        raise LastPlatformAdmin


def _tell(
    held: Membership, actor: Actor, action: str, reason: str, *, before: str = "", after: str = ""
) -> None:
    roles = [{"role": str(role)} if role else None for role in (before, after)]
    audit.record(
        actor=actor,
        tenant=held.tenant,
        action=action,
        subject=held.operator,
        change=(roles[0], roles[1]),
        reason=reason,
    )
