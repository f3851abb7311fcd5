"""The console on stress runs: how far, how fast, how it went, and beside the one before; to ask
for one, and to end it."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from noctis import charts
from noctis.charts import Caption, Series
from operations import stress
from operations.admin.stress_actions import CANCEL, START
from operations.models import StressRun
from tenants.console import PlatformPage, facts, instant, pill
from tenants.roles import Capability

LINE = "<tr><th scope='row'>{}</th><td>{}</td><td>{}</td></tr>"


@admin.register(StressRun)
class StressRunPage(PlatformPage):
    """Runs under load in a tenant of their own, one at a time."""

    change_form_template = "admin/stress_run.html"

    reads = Capability.PLATFORM_READ
    menu = "Reliability"
    plural = "Stress runs"
    empty = "No run yet. Who may start one has the button above, and POST /internal/stress/run."
    begins = (START,)
    named_actions = (CANCEL,)
    list_display = [
        "__str__",
        pill("status", "status"),
        "progress",
        "figures",
        "requested_by",
        instant("finished_at", "finished"),
    ]
    list_filter = ["status"]
    fields = [
        "uuid",
        pill("status", "status"),
        "failure",
        "progress",
        "figures",
        "beside",
        "latency",
        "throughput",
        facts("profile", "profile"),
        "requested_by",
        instant("requested_at", "asked for"),
        instant("started_at", "began"),
        instant("cancelled_at", "cancelled"),
        instant("finished_at", "finished"),
    ]
    readonly_fields = ["progress", "figures", "beside", "latency", "throughput"]

    class Media:
        css = {"all": ["noctis/charts.css"]}

    @admin.display(description="progress")
    def progress(self, row: StressRun) -> str:
        return f"{row.done:,} / {row.total:,} ({100 * row.done / max(row.total, 1):.0f} %)"

    @admin.display(description="measured")
    def figures(self, row: StressRun) -> SafeString | str:
        lines = [
            (part, figures)
            for part in ("ingest", "inference")
            if (figures := row.results.get(part)) and figures["calls"]
        ]
        if not lines:
            return "-"
        told = "<div>{}: {} /s, p50 {} ms, p95 {} ms, p99 {} ms, {} failed</div>"
        return format_html_join("", told, (_line(part, found) for part, found in lines))

    @admin.display(description="beside the run before")
    def beside(self, row: StressRun) -> SafeString | str:
        """The newest that is done, of the same mode."""
        before = StressRun.objects.filter(pk__lt=row.pk, status=StressRun.Status.DONE)
        other = before.filter(profile__mode=row.profile.get("mode")).first()
        found = stress.compared(row.results, other.results) if other else []
        if not found:
            return _("there is none to compare")
        lines = format_html_join(
            "", LINE, ((f"{part} {name}", _number(a), _number(b)) for part, name, a, b in found)
        )
        head = format_html(LINE, "", _("this"), str(other))
        return format_html("<table class='numbers'><tbody>{}{}</tbody></table>", head, lines)

    @admin.display(description="latency")
    def latency(self, row: StressRun) -> SafeString:
        caption = Caption(
            _("p95 of the newest calls"),
            _("Second by second, of the last 200 calls of each part."),
            _("The run was over within a second, or has not begun."),
        )
        return _chart(row, caption, "_p95_ms", "ms")

    @admin.display(description="throughput")
    def throughput(self, row: StressRun) -> SafeString:
        caption = Caption(
            _("Moved so far"),
            _("Epochs that were new, and predictions that were logged, since the run began."),
            _("The run was over within a second, or has not begun."),
        )
        return _chart(row, caption, "_units", "")


def _chart(row: StressRun, caption: Caption, suffix: str, unit: str) -> SafeString:
    told = {name for point in row.points for name in point}
    names = [part for part in ("ingest", "inference") if part + suffix in told]
    values = {name: [point.get(name + suffix) for point in row.points] for name in names}
    seconds = [f"{point['s']:.0f} s" for point in row.points]
    return charts.line(caption, Series(seconds if values else [], values, unit))


def _line(part: str, found: dict[str, Any]) -> tuple[Any, ...]:
    told = (_number(found[name]) for name in stress.COMPARED)
    return part, *told, found["failed"]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
