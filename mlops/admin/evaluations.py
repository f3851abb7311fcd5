"""Evaluations in the console: each version against the nights that somebody scored."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from inference.admin.models import ModelPage
from inference.models import ModelVersion
from mlops.admin import evaluation_sheets
from mlops.models import Evaluation
from tenants.console import PlatformPage, instant, pill
from tenants.console.who import operator_of
from tenants.roles import Capability

# What is shown is made of: whoever lacks one of them in a tenant sees none of its nights counted.
LOOKS_AT = (Capability.PREDICTIONS_READ, Capability.LABELS_READ)


@admin.register(Evaluation)
class EvaluationPage(PlatformPage):
    """How well each version's stages agree with scored nights, as far as you may read them."""

    change_form_template = "admin/evaluation.html"
    reads = Capability.MODELS_READ
    menu = "Models"
    place = 60
    plural = "Evaluations"
    empty = "No model yet. `manage.py model ensure` registers those that ship."
    ordering = ["-id"]
    list_display = ["version", pill("status", "status"), instant("created_at", "imported")]
    list_filter = ["status"]
    search_fields = ["version"]
    fields = ["version", pill("status", "status")]
    related = (("The version", ModelVersion, "q", "version"),)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any
    ) -> HttpResponse:
        row: Evaluation = more.get("obj") or context["original"]
        reaches = [operator_of(request).reach(capability) for capability in LOOKS_AT]
        context |= {"evaluation": evaluation_sheets.sheet_of(row, request, _common(reaches))}
        return super().render_change_form(request, context, *args, **more)


def _common(reaches: list[frozenset[int] | None]) -> frozenset[int] | None:
    """The tenants in all of them; None stands for every tenant."""
    limited = [reach for reach in reaches if reach is not None]
    return frozenset.intersection(*limited) if limited else None


@admin.display(description="evaluation")
def evaluation(row: ModelVersion) -> SafeString:
    """The version's page belongs to the app below, which knows of no evaluation."""
    url = reverse("admin:mlops_evaluation_change", args=[row.pk])
    return format_html('<a href="{}">against the nights that were scored</a>', url)


ModelPage.also_show(evaluation)
