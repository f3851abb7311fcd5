"""The page of a promotion: against whom, on which nights, through which gates, and the way back."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from inference.admin.models import ROLLBACK, SERVE, VALIDATE, ModelPage
from inference.models import ModelVersion
from mlops.admin import promotion_sheets
from mlops.admin.replay_actions import COMPARE, JUDGE
from mlops.models import Promotion
from tenants.console import PlatformPage, instant, pill
from tenants.console.who import operator_of
from tenants.roles import Capability

NONE = "-"


@admin.register(Promotion)
class PromotionPage(PlatformPage):
    """What a version has to show before it serves, beside what serves now."""

    change_form_template = "admin/promotion.html"
    reads = Capability.MODELS_READ
    menu = "Models"
    place = 55
    plural = "Promotions"
    empty = "No model yet. `manage.py model ensure` registers those that ship."
    named_actions = (JUDGE, COMPARE, VALIDATE, SERVE, ROLLBACK)
    ordering = ["-id"]
    list_display = [
        "version",
        pill("status", "status"),
        "serves",
        instant("created_at", "imported"),
    ]
    list_filter = ["status"]
    search_fields = ["version"]
    fields = ["version", pill("status", "status"), "serves"]
    readonly_fields = ["serves"]
    related = (("The version", ModelVersion, "q", "version"),)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("serving")

    @admin.display(description="serves")
    def serves(self, row: Promotion) -> str:
        return ", ".join(sorted(place.family for place in row.serving.all())) or NONE

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any
    ) -> HttpResponse:
        row: Promotion = more.get("obj") or context["original"]
        reach = operator_of(request).reach(Capability.PREDICTIONS_READ)
        context |= {"promotion": promotion_sheets.sheet_of(row, request, reach)}
        return super().render_change_form(request, context, *args, **more)


@admin.display(description="promotion")
def promotion(row: ModelVersion) -> SafeString:
    """The version's page belongs to the app below, which knows neither gates nor replays."""
    url = reverse("admin:mlops_promotion_change", args=[row.pk])
    return format_html('<a href="{}">its gates, beside what serves</a>', url)


ModelPage.also_show(promotion)
