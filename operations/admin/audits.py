"""The console on audits of the data: what is not as it must be, since when, with examples."""

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from operations import audits
from operations.models import DataAudit, DataFinding
from tenants.console import PlatformPage, instant, pill
from tenants.roles import Capability

KIND = pill("is_fault", "kind", {True: "fault", False: "informs"})


@admin.register(DataFinding)
class DataFindingPage(PlatformPage):
    """What an audit of the stored data found, and whether it is gone."""

    reads = Capability.PLATFORM_READ
    menu = "Quality"
    plural = "Data audits"
    empty = "Nothing was found. The data is audited by a schedule, or by manage.py integrity."
    list_display = [
        "check_name",
        "must_be",
        KIND,
        "count",
        instant("opened_at", "opened"),
        instant("seen_at", "last seen"),
        instant("closed_at", "gone"),
    ]
    list_filter = ["check_name", "is_fault"]
    fields = [
        "check_name",
        "must_be",
        KIND,
        "count",
        "shown",
        instant("opened_at", "opened"),
        instant("seen_at", "last seen"),
        instant("closed_at", "gone"),
    ]
    readonly_fields = ["must_be", "shown"]

    @admin.display(description="must be true")
    def must_be(self, row: DataFinding) -> str:
        known = audits.BY_NAME.get(row.check_name)
        return known.says if known else "-"

    @admin.display(description="examples")
    def shown(self, row: DataFinding) -> SafeString:
        lines = format_html_join("", "<li>{}</li>", ((line,) for line in row.examples))
        return format_html("<ul>{}</ul>", lines)


@admin.register(DataAudit)
class DataAuditPage(PlatformPage):
    """Each run of all checks."""

    reads = Capability.PLATFORM_READ
    menu = "Quality"
    plural = "Audit runs"
    empty = "The data was not audited yet."
    list_display = [instant("at", "at"), "seconds", "checked", "unfinished"]
    fields = [instant("at", "at"), "seconds", "checked", "unfinished"]
