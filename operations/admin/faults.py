"""Faults on purpose in the console: a row for each kind, on for an hour at most, and off."""

from django import forms
from django.conf import settings
from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from noctis.faults import MOST_VALUE_MS, ROUTE_CLASSES, WITH_VALUE, Kind
from operations.models import Fault
from operations.services import faults
from operations.services.faults import Wanted
from tenants.console import NamedAction, Order, PlatformPage, ReasonForm, calling, instant
from tenants.console.banners import countdown
from tenants.models import AuditEntry, Tenant
from tenants.roles import Capability

SAYS = {
    Kind.DB_DOWN: "Every statement fails as if the database were away; the circuit opens.",
    Kind.DB_LATENCY_MS: "Every statement waits so many milliseconds first.",
    Kind.MODEL_UNAVAILABLE: "No model serves.",
    Kind.TIMEOUT: "Every call waits so many milliseconds, then ends as request_timeout.",
    Kind.REDIS_DOWN: "Limits are each process's own, and nobody can sign in at the API.",
}


class EnableForm(ReasonForm):
    minutes = forms.IntegerField(
        min_value=1, max_value=faults.MOST_MINUTES, initial=5, help_text="Then it is over."
    )
    value_ms = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_VALUE_MS,
        label="Milliseconds",
        help_text="For db_latency_ms and timeout; empty for the others.",
    )
    target = forms.ModelChoiceField(
        Tenant.objects.all(), required=False, label="Tenant", empty_label="every tenant"
    )
    route_class = forms.ChoiceField(
        choices=[("", "every call"), *((name, name) for name in ROUTE_CLASSES)],
        required=False,
        label="Class of calls",
    )
    field_order = ("minutes", "value_ms", "target", "route_class", "reason")


def _enable(row: Fault, order: Order) -> Fault:
    wanted = Wanted(
        kind=Kind(row.kind),
        minutes=order.answers["minutes"],
        value_ms=order.answers["value_ms"] or 0,
        target=order.answers["target"],
        route_class=order.answers["route_class"],
    )
    return faults.enable_fault(wanted=wanted, actor=order.actor, reason=order.reason)


def _why_not(_row: Fault) -> str:
    return "" if settings.FAULTS_ENABLED else "FAULTS_ENABLED is off here."


ENABLE = NamedAction(
    name="on",
    label="Switch on",
    done="switched on",
    explains="Parts of the platform fail on purpose, in every process, within a second. Pages of "
    "the console, probes and metrics are spared.",
    needs=Capability.PLATFORM,
    run=_enable,
    form=EnableForm,
    refusal=_why_not,
)
DISABLE = NamedAction(
    name="off",
    label="Switch off",
    done="switched off",
    explains="The fault is over in every process within a second.",
    needs=Capability.PLATFORM,
    run=calling(faults.disable_fault, "fault"),
    refusal=lambda row: "" if row.is_on else "It is off.",
)


@admin.register(Fault)
class FaultPage(PlatformPage):
    """What fails on purpose: for drills, with an end that needs nobody."""

    reads = Capability.PLATFORM
    menu = "Reliability"
    plural = "Faults"
    named_actions = (ENABLE, DISABLE)
    related = (("Audit log", AuditEntry, "q", "kind"),)
    list_display = ["kind", "state", "value", "meant_for", "begun_by"]
    list_select_related = ["target"]
    fields = [
        "kind",
        "says",
        "state",
        "value",
        "meant_for",
        instant("begun_at", "begun"),
        instant("expires_at", "ends"),
        "begun_by",
    ]
    readonly_fields = ["says", "state", "value", "meant_for"]

    @admin.display(description="state")
    def state(self, row: Fault) -> SafeString | str:
        if not row.is_on:
            return format_html('<span class="pill">{}</span>', _("off"))
        return format_html('<span class="pill is-failed">on</span> {}', countdown(row.expires_at))

    @admin.display(description="what happens")
    def says(self, row: Fault) -> str:
        return SAYS[Kind(row.kind)]

    @admin.display(description="value")
    def value(self, row: Fault) -> str:
        return f"{row.value_ms} ms" if row.is_on and row.kind in WITH_VALUE else "-"

    @admin.display(description="meant for")
    def meant_for(self, row: Fault) -> str:
        if not row.is_on:
            return "-"
        who = row.target.name if row.target else _("every tenant")
        return f"{who}, {row.route_class or _('every call')}"
