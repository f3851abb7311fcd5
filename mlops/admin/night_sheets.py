"""What the templates of a night show: the page, and the report to hand over."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils.translation import gettext as _

from inference.bodies import remarks
from inference.terms import STAGE_TERMS, TERMS
from mlops.admin import night_charts, night_files, night_numbers
from mlops.admin.night_charts import PART, Window
from mlops.services.night_views import NOTHING, NightView
from recordings import grid, quality
from tenants.console.shown import moment, zone_of


@dataclass(frozen=True)
class Link:
    label: str
    url: str
    is_current: bool = False


def sheet_of(page: Any, request: HttpRequest, view: NightView) -> dict[str, Any]:
    """The night's page, for its template."""
    zone = zone_of(view.recording)
    window = Window.of(view.count, request.GET.get("part", ""))
    return {
        **_known(view, zone),
        "pictures": night_charts.pictures(view, window, zone),
        "windows": list(_windows(view, window, request, zone)),
        "comparisons": list(_comparisons(view, request)),
        "neighbours": _neighbours(page, view),
        "agreements": night_numbers.agreements(view),
        "likeness": night_numbers.likeness(view.main, view.against),
        "qualities": _qualities(view),
        "revisions": [_revision(row, zone) for row in view.revisions],
        "arrivals": [_arrival(row, zone) for row in view.arrivals],
        "report": page.address("report", view.recording.uuid),
        "files": _files(page, view),
    }


def report_of(page: Any, view: NightView) -> dict[str, Any]:
    """The report of a night, for its template."""
    zone = zone_of(view.recording)
    window = Window(0, view.count)
    clock = night_charts.clock_of(view, window, zone)
    return {
        **_known(view, zone),
        "recording": view.recording,
        "picture": night_charts.hypnogram(view, window, clock),
        "qualities": _qualities(view),
        "back": page.address("change", view.recording.uuid),
    }


def _known(view: NightView, zone: ZoneInfo) -> dict[str, Any]:
    """What both of them show."""
    hypnogram = view.hypnogram
    recording = view.recording
    figures = night_numbers.figures(hypnogram, zone) if hypnogram else []
    return {
        "view": view,
        "hypnogram": hypnogram,
        "mark": _mark(view),
        "headline": night_numbers.headline(figures),
        "figures": figures,
        "others": night_numbers.others(figures),
        "doubts": night_numbers.doubts(view),
        "terms": (*TERMS, *STAGE_TERMS),
        "zone": zone,
        "other_zone": recording.timezone if recording.timezone != str(zone) else "",
        "started": moment(recording.started_at, zone),
        "ended": moment(recording.ended_at, zone) if recording.ended_at else _("now: it is open"),
        "staged": moment(hypnogram.staged_at, zone) if hypnogram else "",
        "coverage": f"{100 * hypnogram.coverage:.0f} %" if hypnogram else "",
        "confidence": _percent(hypnogram.mean_confidence) if hypnogram else "",
    }


def _mark(view: NightView) -> str:
    """Of the version whose stages are shown, live ones too."""
    return "" if view.staged_by is None else _(remarks.mark_of(view.staged_by))


def _percent(share: float | None) -> str:
    return night_numbers.UNKNOWN if share is None else f"{100 * share:.0f} %"


def _query(request: HttpRequest, **wanted: str) -> str:
    kept = {name: request.GET[name] for name in ("part", "against") if name in request.GET}
    asked = {name: value for name, value in (kept | wanted).items() if value}
    return f"?{urlencode(asked)}"


def _windows(
    view: NightView, window: Window, request: HttpRequest, zone: ZoneInfo
) -> Iterator[Link]:
    """The whole night, then its parts by their local hours."""
    yield Link(_("Whole night"), _query(request, part=""), window.part is None)
    whole = night_charts.clock_of(view, Window(0, view.count), zone)
    for part, first in enumerate(range(0, view.count, PART)):
        end = min(first + PART, view.count)
        label = f"{whole.at(first):%H:%M} to {whole.at(end):%H:%M}"
        yield Link(label, _query(request, part=str(part)), window.part == part)


def _comparisons(view: NightView, request: HttpRequest) -> Iterator[Link]:
    shown = view.against.key if view.against else ""
    for answer in view.others:
        yield Link(answer.name, _query(request, against=answer.key), answer.key == shown)
    if view.others:
        yield Link(_("nothing"), _query(request, against=NOTHING), not shown)


def _neighbours(page: Any, view: NightView) -> dict[str, Link]:
    """The nights of the same device before and after this one."""
    return {
        name: Link(str(row.night_on), page.address("change", row.uuid))
        for name, row in (("before", view.before), ("after", view.after))
        if row is not None
    }


def _qualities(view: NightView) -> list[tuple[str, str, str]]:
    """How long the signal was how good, and what that means."""
    counted = [
        (name, int((view.quality == place).sum()), quality.MEANINGS[name])
        for place, name in enumerate(quality.QUALITIES)
    ]
    absent = int((view.quality == quality.ABSENT).sum())
    rows = [*counted, (_("no data"), absent, _("no epoch came, or it is past its retention"))]
    return [
        (name, night_numbers.minutes(count * grid.EPOCH_S / 60), meaning)
        for name, count, meaning in rows
    ]


def _revision(row: Any, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "number": row.revision,
        "model": row.model.version,
        "became": row.get_disposition_display(),
        "coverage": f"{100 * row.coverage:.0f} %",
        "staged": moment(row.staged_at, zone),
        "pk": row.pk,
    }


def _arrival(row: Any, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "hour": moment(row.hour, zone),
        "epochs": f"{row.epochs:,}",
        "batches": f"{row.batches:,}",
        "span": f"{row.first} to {row.last}",
        "late": f"{row.late:,}",
    }


def _files(page: Any, view: NightView) -> list[Link]:
    if view.hypnogram is None:
        return []
    names = {"csv": "CSV", "edf": "EDF+", "json": "JSON"}
    return [
        Link(names[form], page.address("file", view.recording.uuid, form))
        for form in night_files.FORMS
    ]
