"""Replays in the console: how far each is, and what came of its versions side by side."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from mlops.admin import comparison_sheets
from mlops.admin.job_columns import PROGRESS, STATE, TOOK
from mlops.admin.replay_actions import CANCEL, REPLAY
from mlops.models import Replay
from mlops.services import replays
from tenants.admin.access import TenantPage
from tenants.console import TenantFilter, facts, instant
from tenants.console.found import FoundByUuid
from tenants.roles import Capability

TenantPage.also_offer(REPLAY)


@admin.register(Replay)
class ReplayPage(FoundByUuid):
    """Nights staged anew by one version or two; what was staged before stays as it is."""

    change_form_template = "admin/replay.html"
    reads = Capability.PREDICTIONS_READ
    menu = "Models"
    place = 65
    plural = "Replays"
    empty = "No replay yet. A tenant's page starts one, and so does manage.py replay run."
    named_actions = (CANCEL,)
    list_display = [
        "__str__",
        "tenant",
        "by_versions",
        "nights",
        STATE,
        PROGRESS,
        instant("created_at", "asked for"),
        instant("finished_at", "ended"),
    ]
    list_filter = [TenantFilter, "status"]
    list_select_related = ["tenant", "first", "second"]
    fields = [
        "uuid",
        "tenant",
        "by_versions",
        "nights",
        STATE,
        "error",
        "is_stored",
        facts("criteria", "criteria"),
        TOOK,
        "requested_by",
        instant("created_at", "asked for"),
        instant("finished_at", "ended"),
    ]
    readonly_fields = ["by_versions"]

    @admin.display(description="versions")
    def by_versions(self, row: Replay) -> str:
        return " and ".join(one.version for one in row.versions.values())

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("tenant", "first", "second")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any
    ) -> HttpResponse:
        row: Replay = more.get("obj") or context["original"]
        context |= {"sheet": comparison_sheets.sheet_of(row), "how_far": _how_far(row)}
        return super().render_change_form(request, context, *args, **more)


def _how_far(row: Replay) -> str:
    known = replays.standing_of(replay=row)
    told = (f"{count:,} {name.replace('_', ' ')}" for name, count in known.items())
    return f"{row.nights:,} nights: {', '.join(told)}"
