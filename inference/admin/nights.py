"""Staged nights in the console: a page of their own, and what a recording's page says of them."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from inference.bodies import remarks
from inference.models import Hypnogram, StagingAttempt
from recordings import stages
from recordings.admin import OfNight, RecordingPage, hypnogram
from recordings.models import Recording
from tenants.console import TenantFilter, facts, instant, pill
from tenants.console.shown import Column
from tenants.roles import Capability

NONE = "-"


def share(name: str, label: str) -> Column:
    """A share of one, in percent."""

    @admin.display(description=label, ordering=name)
    def shown(row: Any) -> str:
        value = getattr(row, name)
        return NONE if value is None else f"{100 * value:.0f} %"

    return shown


class FoundByNight(OfNight):
    """A whole UUID in the search box is a night's: exact, by its index; nothing else is found."""

    search_fields = ["recording__uuid__exact"]
    search_help_text = "A night's id."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            return queryset.none(), False
        nights = Recording.objects.filter(uuid=wanted).values("pk")
        return queryset.filter(recording__in=nights), False


@admin.register(Hypnogram)
class HypnogramPage(FoundByNight):
    """Nights as they were staged, revision by revision."""

    reads = Capability.PREDICTIONS_READ
    menu = "Sleep"
    plural = "Hypnograms"
    empty = "No night was staged yet. A closed night is, within seconds."
    ordering = ["-staged_at", "-id"]
    list_display = [
        "recording",
        "tenant",
        "model",
        "revision",
        pill("disposition", "became"),
        share("coverage", "coverage"),
        share("mean_confidence", "confidence"),
        instant("staged_at", "staged"),
    ]
    list_filter = [TenantFilter, "disposition", "model"]
    list_select_related = ["recording", "tenant", "model"]
    fields = [
        "recording",
        "tenant",
        "model",
        "revision",
        pill("disposition", "became"),
        share("coverage", "coverage"),
        share("mean_confidence", "confidence"),
        "plausibility",
        instant("staged_at", "staged"),
        facts("statistics", "statistics"),
        "picture",
        "letters",
        "remark",
    ]
    readonly_fields = ["plausibility", "picture", "letters", "remark"]

    class Media:
        css = {"all": ["noctis/charts.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """A list shows none of the arrays; a page fetches them when it does."""
        found: QuerySet[Any] = super().get_queryset(request)
        return found.defer("stages", "confidences", "statistics")

    @admin.display(description="hypnogram")
    def picture(self, row: Hypnogram) -> SafeString:
        codes = [stages.UNSCORED] * row.first_index + row.stages
        return hypnogram(row.model.version, codes, row.recording)

    @admin.display(description="stages")
    def letters(self, row: Hypnogram) -> str:
        """One letter an epoch."""
        return stages.letters_of(row.stages)

    @admin.display(description="plausibility")
    def plausibility(self, row: Hypnogram) -> str:
        return remarks.plausibility_of(row)

    @admin.display(description="remark")
    def remark(self, row: Hypnogram) -> str:
        return remarks.note_of(row) or NONE


ATTEMPT: list[Column] = [
    "recording",
    "tenant",
    "staging_pass",
    "tries",
    "failure",
    instant("begun_at", "begun"),
    instant("due_again_at", "due again"),
]


@admin.register(StagingAttempt)
class StagingAttemptPage(FoundByNight):
    """What was begun and has not ended well; a night that is staged leaves nothing here."""

    reads = Capability.PREDICTIONS_READ
    menu = "Sleep"
    plural = "Staging attempts"
    empty = "Nothing waits: every night that is due is staged."
    ordering = ["-begun_at", "-id"]
    list_display = [*ATTEMPT]
    list_filter = [TenantFilter, "staging_pass"]
    list_select_related = ["recording", "tenant"]
    fields = [*ATTEMPT]


@admin.display(description="waits to be staged")
def waiting(row: Recording) -> str:
    """Why a night is not staged yet, where something went wrong."""
    owned: QuerySet[StagingAttempt] = StagingAttempt.objects.owned_by(row.tenant_id)
    found = owned.filter(recording=row).order_by("-begun_at").first()
    if found is None:
        return NONE
    failed = f" with {found.failure}" if found.failure else ""
    again = f"again at {found.due_again_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"tried {found.tries} times, the last{failed}; {again}"


# The recording's page belongs to the app below, which knows of no hypnogram.
RecordingPage.also_show(waiting, related=(("Hypnograms", Hypnogram, "q", "uuid"),))
