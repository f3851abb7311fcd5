"""Drift reports in the console: the verdict first, then by how much, and what changed then."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from mlops.admin import drift_sheets as sheets
from mlops.admin import training_actions as actions
from mlops.models import DriftRun
from mlops.services import drift_views
from tenants.console import TenantFilter, instant, pill
from tenants.console.found import FoundByUuid
from tenants.roles import Capability

ALARM = pill("is_alarm", "alarm", {True: "alarm", False: "none"})


@admin.register(DriftRun)
class DriftRunPage(FoundByUuid):
    """Comparisons of a tenant's newest nights with those before them and with training."""

    reads = Capability.MODELS_READ
    menu = "Quality"
    plural = "Drift reports"
    empty = "No comparison yet. One is made each day, or by manage.py drift run."
    change_form_template = "admin/drift.html"
    named_actions = (actions.RETRAIN_FOR,)
    list_display = [
        "until",
        "tenant",
        "model",
        pill("severity", "severity"),
        ALARM,
        "nights",
        "flagged",
        instant("created_at", "compared"),
    ]
    list_filter = [TenantFilter, "severity", "is_alarm", "model"]
    list_select_related = ["tenant", "model"]
    fields = [
        "uuid",
        "tenant",
        "model",
        "baseline_from",
        "current_from",
        "until",
        "nights",
        pill("severity", "severity"),
        ALARM,
        instant("created_at", "compared"),
    ]
    readonly_fields = ["nights", "flagged"]

    @admin.display(description="nights")
    def nights(self, row: DriftRun) -> str:
        return f"{row.current_nights} against {row.baseline_nights}"

    @admin.display(description="moved")
    def flagged(self, row: DriftRun) -> str:
        return ", ".join(row.report.get("flagged", ())) or "-"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("tenant", "model__schema")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any
    ) -> HttpResponse:
        row: DriftRun = more.get("obj") or context["original"]
        view = drift_views.look_at(run=row)
        context |= {
            "drift": {
                "verdict": sheets.verdict(row),
                "severity": row.severity,
                "is_alarm": row.is_alarm,
                "head": sheets.HEAD,
                "rows": sheets.rows(row),
                "whole": sheets.stages_told(row),
                "pictures": sheets.pictures(row, view),
                "trend": sheets.trend(view, settings.DRIFT_PSI_THRESHOLD),
                "happened": list(sheets.happenings(view.happened)),
            }
        }
        return super().render_change_form(request, context, *args, **more)
