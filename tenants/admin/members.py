"""The named actions of members: somebody becomes something in a tenant, another, or nothing."""

from typing import Any

from django import forms

from noctis import errors
from tenants.console import NamedAction, Order, ReasonForm
from tenants.models import Membership, Operator, Tenant
from tenants.roles import Capability, ConsoleRole
from tenants.services import members

ROLES = [(role.value, role.value) for role in ConsoleRole]


class RoleForm(ReasonForm):
    field_order = ("username", "role", "reason")

    role = forms.ChoiceField(
        choices=ROLES,
        initial=ConsoleRole.TENANT_VIEWER.value,
        help_text="At most what your own role reaches; the table is in the API docs.",
    )

    @staticmethod
    def initial_for(row: Any) -> dict[str, Any]:
        return {"role": row.role} if isinstance(row, Membership) else {}


class NamedRoleForm(RoleForm):
    username = forms.CharField(
        label="User name",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def _beyond(by: Operator, row: Membership) -> str:
    try:
        members.check_reach(by=by, membership=row)
    except errors.Refusal as refused:
        return refused.detail
    return ""


def _role(order: Order) -> ConsoleRole:
    return ConsoleRole(order.answers["role"])


def _add(row: Tenant, order: Order) -> Membership:
    person = members.colleague_called(by=order.by, username=order.answers["username"])
    return members.add_member(
        tenant=row,
        operator=person,
        role=_role(order),
        by=order.by,
        actor=order.actor,
        reason=order.reason,
    )


def _create(row: Tenant, order: Order) -> members.Handover:
    return members.create_operator(
        username=order.answers["username"],
        tenant=row,
        role=_role(order),
        by=order.by,
        actor=order.actor,
        reason=order.reason,
    )


def _change(row: Membership, order: Order) -> Membership:
    held = members.change_role(
        membership=row, role=_role(order), by=order.by, actor=order.actor, reason=order.reason
    )
    # What is told afterwards names what she is now.
    row.role = held.role
    return held


def _remove(row: Membership, order: Order) -> None:
    members.remove_member(membership=row, by=order.by, actor=order.actor, reason=order.reason)


ADD = NamedAction(
    name="add-member",
    label="Add a member",
    done="member added",
    explains="An operator whom you know already gets a role in the tenant. Who has another role "
    "in it keeps that one: change it on her membership.",
    needs=Capability.CLIENTS_WRITE,
    run=_add,
    form=NamedRoleForm,
)
CREATE = NamedAction(
    name="create-operator",
    label="Create an operator",
    done="new operator",
    explains="Somebody who is no operator yet gets a role in the tenant. Her password, which she "
    "has to change, and her second factor are shown once, to be handed over to her and nobody "
    "else.",
    needs=Capability.CLIENTS_WRITE,
    run=_create,
    form=NamedRoleForm,
    result_template="admin/new_operator.html",
)
CHANGE_ROLE = NamedAction(
    name="change-role",
    label="Change role",
    done="role changed",
    explains="What these members may do changes with their next request, in the console and at "
    "the API.",
    needs=Capability.CLIENTS_WRITE,
    run=_change,
    form=RoleForm,
    forbids=_beyond,
)
REMOVE = NamedAction(
    name="remove",
    label="Remove",
    done="removed",
    explains="These members may do nothing in the tenant from their next request on. Their roles "
    "in other tenants and their names stay; they can be added again.",
    needs=Capability.CLIENTS_WRITE,
    run=_remove,
    forbids=_beyond,
    takes_away=True,
)
