"""The console's pages of nights: recordings, labels, erasures, feature schemas."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from noctis import charts
from noctis.charts import Caption, Clock, Staged, Trace
from recordings import grid, stages
from recordings.models import Erasure, FeatureSchema, LabelSet, Recording
from recordings.services import erasure, nights
from tenants.console import (
    ConsolePage,
    NamedAction,
    Order,
    PlatformPage,
    TenantFilter,
    calling,
    instant,
    pill,
)
from tenants.console.found import FoundByUuid
from tenants.console.shown import zone_of
from tenants.models import AuditEntry
from tenants.roles import Capability

STATUS = pill("status", "status")
# From the top of a hypnogram down, as sleep laboratories draw them.
ROWS = ("W", "REM", "Light", "Deep")
# By place in SHOWN; the last one is reached by -1, which stays unknown.
ROW_OF = np.array([*(ROWS.index(name) for name in stages.SHOWN), stages.UNSCORED])


def hypnogram(name: str, codes: Sequence[int], night: Recording) -> SafeString:
    """Codes from a night's first epoch on, drawn as one line in the four stages."""
    places = ROW_OF[stages.shown_places(np.array(codes, np.int64))]
    clock = Clock(night.started_at, zone_of(night), len(codes), grid.EPOCH_S)
    caption = Caption("Hypnogram", f"Stages by {name}. Grey is unknown.", "No epoch has a stage.")
    return charts.hypnogram(caption, clock, Staged(Trace(name, places, ROWS)))


def _erase(row: Recording, order: Order) -> Erasure:
    return erasure.erase_recording(
        tenant=row.tenant, recording_uuid=row.uuid, actor=order.actor, reason=order.reason
    )


def _erasing(row: Recording) -> str:
    return "It is being erased already." if row.status == row.Status.ERASING else ""


def _not_stageable(row: Recording) -> str:
    return "It is open: close it first." if row.status == row.Status.OPEN else _erasing(row)


CLOSE = NamedAction(
    name="close",
    label="Close",
    done="closed",
    explains="The night ends with its last epoch. Epochs that come late are taken all the same.",
    needs=Capability.RECORDINGS_WRITE,
    run=calling(nights.close_by_hand, "recording"),
    refusal=lambda row: "" if row.status == row.Status.OPEN else f"It is {row.status}, not open.",
)
STAGE_AGAIN = NamedAction(
    name="stage-again",
    label="Stage again",
    done="is due to be staged",
    explains="The night is staged anew within seconds, by the model that serves now. What was "
    "staged before is kept as an earlier revision.",
    needs=Capability.RECORDINGS_WRITE,
    run=calling(nights.stage_again, "recording"),
    refusal=_not_stageable,
)
ERASE = NamedAction(
    name="erase",
    label="Erase",
    done="is being erased",
    explains="The night, its epochs and its labels are removed for good within minutes. From now "
    "on the API does not know it.",
    needs=Capability.ERASE,
    run=_erase,
    refusal=_erasing,
    is_final=True,
)


@admin.register(Recording)
class RecordingPage(FoundByUuid):
    """Nights, each on one device; how far each has come."""

    reads = Capability.RECORDINGS_READ
    menu = "Sleep"
    plural = "Nights"
    place = 0
    empty = "No night yet. A device starts one with `POST /v1/recordings:start`."
    named_actions = (CLOSE, STAGE_AGAIN, ERASE)
    related = (("Labels", LabelSet, "q", "uuid"), ("Audit log", AuditEntry, "q", "uuid"))
    ordering = ["-started_at", "-id"]
    list_display = [
        "night_on",
        "device",
        "tenant",
        "subject",
        STATUS,
        "epoch_count",
        instant("started_at", "started"),
        instant("ended_at", "ended"),
    ]
    list_filter = [TenantFilter, "status", ("started_at", admin.DateFieldListFilter)]
    list_select_related = ["device", "tenant"]
    search_fields = ["device__external_id__exact", "subject__exact"]
    search_help_text = "A night's id, a device's external id, or a subject."
    fields = [
        "night_on",
        "uuid",
        "device",
        "tenant",
        "subject",
        STATUS,
        instant("started_at", "started"),
        instant("ended_at", "ended"),
        "timezone",
        "epoch_count",
        instant("last_heard_at", "device last heard of"),
        instant("created_at", "opened"),
        instant("updated_at", "changed"),
    ]


class OfNight(ConsolePage):
    """Rows of nights; those of one that is being erased are as good as gone, as the night is."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.exclude(recording__status=Recording.Status.ERASING)


@admin.register(LabelSet)
class LabelSetPage(OfNight):
    """Ground truth: who scored which night, version by version."""

    reads = Capability.LABELS_READ
    menu = "Sleep"
    plural = "Labels"
    ordering = ["-created_at", "-id"]
    list_display = [
        "recording",
        "tenant",
        "version",
        "scorer",
        "source",
        instant("created_at", "added"),
    ]
    list_filter = [TenantFilter, "source"]
    list_select_related = ["recording", "tenant"]
    search_fields = ["scorer"]
    search_help_text = "A night's id or a scorer."
    fields = [
        "recording",
        "tenant",
        "version",
        "scorer",
        "source",
        "hypnogram",
        "letters",
        instant("created_at", "added"),
    ]
    readonly_fields = ["hypnogram", "letters"]

    class Media:
        css = {"all": ["noctis/charts.css"]}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """A whole UUID is a night's, by its index; the rest is a scorer."""
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        nights_ = Recording.objects.filter(uuid=wanted).values("pk")
        return queryset.filter(recording__in=nights_), False

    @admin.display(description="hypnogram")
    def hypnogram(self, row: LabelSet) -> SafeString:
        return hypnogram(f"{row.source} by {row.scorer}", row.stages, row.recording)

    @admin.display(description="stages")
    def letters(self, row: LabelSet) -> str:
        """One letter an epoch."""
        return stages.letters_of(row.stages)


@admin.register(Erasure)
class ErasurePage(FoundByUuid):
    """What was asked to be forgotten, and whether it is."""

    reads = Capability.AUDIT_READ
    menu = "Sleep"
    empty = "Nobody asked for a night to be forgotten."
    related = (("Audit log", AuditEntry, "q", "uuid"),)
    list_display = [
        "uuid",
        "tenant",
        STATUS,
        "requested_by",
        "recordings_erased",
        "epochs_erased",
        instant("created_at", "asked for"),
        instant("done_at", "done"),
    ]
    list_filter = [TenantFilter, "status"]
    list_select_related = ["tenant"]
    search_fields = ["requested_by"]
    fields = [
        "uuid",
        "tenant",
        "recording_uuid",
        "subject",
        STATUS,
        "requested_by",
        "recordings_erased",
        "epochs_erased",
        instant("created_at", "asked for"),
        instant("done_at", "done"),
    ]


@admin.register(FeatureSchema)
class FeatureSchemaPage(PlatformPage):
    """What the numbers of an epoch mean. Everybody's; `manage.py schema` adds and activates."""

    reads = Capability.SCHEMAS_READ
    menu = "Sleep"
    plural = "Feature schemas"
    list_display = [
        "version",
        pill("is_active", "state", {True: "active", False: "inactive"}),
        "digest",
        instant("created_at", "added"),
    ]
    list_filter = ["is_active"]
    search_fields = ["version", "digest"]
    fields = [
        "version",
        pill("is_active", "state", {True: "active", False: "inactive"}),
        "digest",
        instant("created_at", "added"),
        "positions",
    ]
    readonly_fields = ["positions"]

    @admin.display(description="features, in order")
    def positions(self, row: FeatureSchema) -> SafeString:
        lines = format_html_join(
            "", "<li>{} <small>{}, {} to {}</small></li>", map(_ranged, row.features)
        )
        return format_html("<ol start=0>{}</ol>", lines)


def _ranged(feature: dict[str, Any]) -> tuple[str, ...]:
    bounds = (feature["minimum"], feature["maximum"])
    low, high = ("any" if bound is None else f"{bound:g}" for bound in bounds)
    return feature["name"], feature["unit"], low, high
