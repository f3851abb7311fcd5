"""Model versions in the console: what each is worth, what serves, and the way back."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from inference import provenance
from inference.admin import model_sheets
from inference.models import ModelVersion
from inference.services import registry
from inference.services.model_events import Decision
from inference.serving import snapshot
from noctis import errors
from tenants.console import NamedAction, Order, PlatformPage, ReasonForm, instant, pill
from tenants.console.actions import Run
from tenants.console.shown import UTC_ZONE, moment
from tenants.roles import Capability

NONE = "-"
MOST_EVENTS = 50
Status = ModelVersion.Status


def _deciding(service: Callable[..., Any]) -> Run:
    """The registry's services know a version by its name."""
    return lambda row, order: service(
        version=row.version, decision=Decision(order.actor, order.reason)
    )


def _roll_back(row: ModelVersion, order: Order) -> list[ModelVersion]:
    families = sorted(place.family for place in row.serving.all())
    return registry.roll_back(families=families, decision=Decision(order.actor, order.reason))


def _pin(row: ModelVersion) -> str:
    pins = snapshot.pinned()
    held = [f"{family} to {pins[family]}" for family in row.families if family in pins]
    return f"The environment pins {', '.join(held)}." if held else ""


def _unservable(row: ModelVersion) -> str:
    if row.status not in (Status.VALIDATED, Status.PRODUCTION):
        return f"It is {row.status}, not validated."
    return _pin(row)


def _unreturnable(row: ModelVersion) -> str:
    families = sorted(place.family for place in row.serving.all())
    if not families:
        return "It does not serve."
    if set(families) - set(registry.can_roll_back(row)):
        return "Nothing served before it."
    return _pin(row)


VALIDATE = NamedAction(
    name="validate",
    label="Validate",
    done="validated",
    explains="Its artifact is read, every byte is checked and it tests itself. Then it may serve.",
    needs=Capability.MODELS_PROMOTE,
    run=_deciding(registry.validate_version),
    refusal=lambda row: "" if row.status == Status.CANDIDATE else f"It is {row.status}.",
)


class ServeForm(ReasonForm):
    waiver = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Only where gates are unmet, by a platform admin: why it may serve all the same.",
    )


def _serve(row: ModelVersion, order: Order) -> ModelVersion:
    waiver = str(order.answers["waiver"])
    if waiver and not order.by.may(Capability.MODELS_WAIVE):
        raise errors.Forbidden("Gates are waived by platform admins alone.")
    decision = Decision(order.actor, order.reason, waiver)
    return registry.serve_version(version=row.version, decision=decision)


SERVE = NamedAction(
    name="serve",
    label="Let it serve",
    done="serves",
    explains="Every night from now on is staged by it, in every pass that it offers, on every "
    "process within a second. What served before is archived, and a rollback brings it back.",
    needs=Capability.MODELS_PROMOTE,
    run=_serve,
    refusal=_unservable,
    form=ServeForm,
)
ROLLBACK = NamedAction(
    name="rollback",
    label="Roll back",
    done="gave way to what served before",
    explains="What served before it is checked and serves again; this version is archived.",
    needs=Capability.MODELS_PROMOTE,
    run=_roll_back,
    refusal=_unreturnable,
)
REJECT = NamedAction(
    name="reject",
    label="Reject",
    done="rejected",
    explains="It will never serve. Nothing leads back from here.",
    needs=Capability.MODELS_PROMOTE,
    run=_deciding(registry.reject_version),
    refusal=lambda row: (
        "" if row.status in (Status.CANDIDATE, Status.VALIDATED) else f"It is {row.status}."
    ),
    is_final=True,
)


@admin.register(ModelVersion)
class ModelPage(PlatformPage):
    """Versions are everybody's; the platform's people say what serves."""

    reads = Capability.MODELS_READ
    menu = "Models"
    plural = "Models"
    empty = "No model yet. `manage.py model ensure` registers those that ship."
    named_actions = (VALIDATE, SERVE, ROLLBACK, REJECT)
    ordering = ["-id"]
    list_display = [
        "version",
        pill("status", "status"),
        "serves",
        "passes",
        "schema",
        instant("created_at", "imported"),
    ]
    list_filter = ["status"]
    list_select_related = ["schema"]
    search_fields = ["version", "artifact_hash__exact"]
    search_help_text = "A version, or an artifact's hash."
    fields = [
        "version",
        pill("status", "status"),
        "serves",
        "pinned",
        "passes",
        "schema",
        "artifact_hash",
        "files",
        "summary",
        "window",
        "metrics",
        "training",
        "card",
        instant("created_at", "imported"),
        "created_by",
        "history",
    ]
    readonly_fields = [
        "serves",
        "pinned",
        "passes",
        "files",
        "summary",
        "window",
        "metrics",
        "training",
        "card",
        "history",
    ]

    class Media:
        css = {"all": ["noctis/charts.css"]}

    def get_queryset(self, request: Any) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("serving")

    @admin.display(description="serves")
    def serves(self, row: ModelVersion) -> str:
        return ", ".join(sorted(place.family for place in row.serving.all())) or NONE

    @admin.display(description="passes")
    def passes(self, row: ModelVersion) -> str:
        return ", ".join(row.families)

    @admin.display(description="pinned")
    def pinned(self, row: ModelVersion) -> str:
        return _pin(row) or "No: the registry decides what serves."

    @admin.display(description="summary")
    def summary(self, row: ModelVersion) -> str:
        return row.metadata.get("summary") or NONE

    @admin.display(description="window")
    def window(self, row: ModelVersion) -> str:
        known = row.metadata.get("window")
        if not known:
            return NONE
        return "{before} before, {after} after, {minimum_known} known at least".format(**known)

    @admin.display(description="metrics")
    def metrics(self, row: ModelVersion) -> SafeString | str:
        return model_sheets.scores(row.metadata.get("metrics", {}))

    @admin.display(description="files")
    def files(self, row: ModelVersion) -> SafeString | str:
        return model_sheets.files(row.metadata)

    @admin.display(description="training")
    def training(self, row: ModelVersion) -> SafeString | str:
        return model_sheets.listed(provenance.told(row.metadata.get("training", {})))

    @admin.display(description="card")
    def card(self, row: ModelVersion) -> SafeString | str:
        text = provenance.card(row.metadata)
        return format_html('<pre class="card" tabindex="0">{}</pre>', text) if text else NONE

    @admin.display(description="history")
    def history(self, row: ModelVersion) -> SafeString | str:
        lines = [
            (moment(event.at, UTC_ZONE), _said(event), event.actor, event.reason)
            for event in row.events.order_by("-id")[:MOST_EVENTS]
        ]
        listed = format_html_join("", "<li>{}: {}, by {} <small>{}</small></li>", lines)
        return format_html("<ol>{}</ol>", listed) if lines else NONE


def _said(event: Any) -> str:
    return f"{event.action} {event.family}".strip()
