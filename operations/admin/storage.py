"""Storage policies in the console: how each stands, and applying the plan that was reviewed."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet, Value
from django.utils import timezone

from noctis.db.editions import Edition
from operations import storage
from operations.models import StoragePolicy
from operations.policies import BY_NAME, DOERS
from operations.services import policies, status
from operations.services.policies import Decision, Plan
from tenants.console import NamedAction, Order, PlatformPage, ReasonForm, facts, instant
from tenants.roles import Capability


class ApplyForm(ReasonForm):
    """What is shown is what is applied: the hash goes along, and is compared."""

    plan = forms.CharField(widget=forms.HiddenInput)
    steps = forms.CharField(
        disabled=True,
        required=False,
        label="The plan",
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text="All of it is applied, or nothing where it is no longer the same.",
    )
    field_order = ("plan", "steps", "reason")

    @staticmethod
    def initial_for(_: StoragePolicy) -> dict[str, Any]:
        plan = policies.plan()
        return {"plan": plan.hash, "steps": _told(plan)}


def _told(plan: Plan) -> str:
    lines = [
        f"{change.name}: {change.before or 'none'} -> {change.after or 'none'}"
        f" {BY_NAME[change.name].unit}, done by {change.doer}"
        for change in plan.changes
    ]
    lines += [
        f"{row.series}: at most {row.rows} rows of {row.nights} nights would go,"
        f" {row.size} bytes, the oldest of {row.oldest:%Y-%m-%d}"
        for row in status.going(plan=plan, at=timezone.now())
        if row.oldest
    ]
    return "\n".join(lines) or "Nothing differs from the settings."


def _apply(row: StoragePolicy, order: Order) -> Plan:
    decision = Decision(order.actor, order.reason)
    return policies.apply(plan_hash=str(order.answers["plan"]), decision=decision)


APPLY = NamedAction(
    name="apply",
    label="Apply the plan",
    done="applied",
    explains="Every policy becomes what the settings say. What is past its retention then goes "
    "with the next run, and does not come back.",
    needs=Capability.PLATFORM,
    run=_apply,
    form=ApplyForm,
    is_final=True,
    result_template="admin/storage_applied.html",
)


@admin.register(StoragePolicy)
class StoragePolicyPage(PlatformPage):
    """One row a policy; nobody's own, so the platform's people see them."""

    reads = Capability.PLATFORM_READ
    menu = "Lifecycle"
    plural = "Storage policies"
    list_display = [
        "name",
        "value",
        "unit",
        "done_by",
        "edition",
        instant("applied_at", "applied"),
        instant("finished_at", "last done"),
        "failures",
    ]
    fields = [
        "name",
        "value",
        "unit",
        "done_by",
        "edition",
        instant("applied_at", "applied"),
        "applied_by",
        instant("started_at", "last run"),
        instant("finished_at", "last done"),
        "runs",
        "failures",
        "last_error",
        facts("last_result", "last result"),
    ]
    readonly_fields = ["unit", "done_by", "edition"]
    named_actions = (APPLY,)

    def get_queryset(self, request: Any) -> QuerySet[Any]:
        """The edition is asked for once a page."""
        rows = super().get_queryset(request).filter(name__in=BY_NAME)
        return rows.annotate(on=Value(storage.edition().value))

    @admin.display(description="unit")
    def unit(self, row: StoragePolicy) -> str:
        return BY_NAME[row.name].unit

    @admin.display(description="done by")
    def done_by(self, row: Any) -> str:
        return DOERS[Edition(row.on)][BY_NAME[row.name].kind].value

    @admin.display(description="edition")
    def edition(self, row: Any) -> str:
        return str(row.on)
