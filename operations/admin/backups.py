"""The console on backups: what was written, and whether it could be brought back."""

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from operations.models import Backup, Restoration
from tenants.console import PlatformPage, instant, pill
from tenants.roles import Capability

NONE = "-"


class OfThePlatform(PlatformPage):
    """A backup holds every tenant, so only the platform's own operators see it."""

    reads = Capability.PLATFORM_READ
    menu = "Lifecycle"
    ordering = ["-id"]


@admin.register(Backup)
class BackupPage(OfThePlatform):
    """What was written down, and why it was not."""

    plural = "Backups"
    empty = "No backup was taken yet. One is every day, or by `manage.py backup`."
    list_display = [
        "__str__",
        pill("outcome", "outcome"),
        "size",
        "row_count",
        "edition",
        instant("finished_at", "finished"),
        instant("removed_at", "rotated away"),
    ]
    list_filter = ["outcome"]
    search_fields = ["path", "sha256"]
    fields = [
        "path",
        pill("outcome", "outcome"),
        "failure",
        "detail",
        "size",
        "table_count",
        "row_count",
        "edition",
        "key_id",
        "sha256",
        instant("started_at", "started"),
        instant("finished_at", "finished"),
        instant("removed_at", "rotated away"),
        "request_id",
    ]
    readonly_fields = ["size"]
    related = (("Restores", Restoration, "q", "sha256"),)

    @admin.display(description="size", ordering="size_bytes")
    def size(self, row: Backup) -> str:
        return f"{row.size_bytes / 1_000_000:.1f} MB" if row.size_bytes else NONE


@admin.register(Restoration)
class RestorationPage(OfThePlatform):
    """What was brought back, and whether it was what had been written."""

    plural = "Restores"
    empty = "No backup was tried yet. The newest is every day, or by `manage.py restore_test`."
    list_display = [
        "__str__",
        pill("kind", "kind"),
        pill("outcome", "outcome"),
        "row_count",
        instant("finished_at", "finished"),
    ]
    list_filter = ["kind", "outcome"]
    search_fields = ["path", "sha256", "database"]
    fields = [
        "path",
        pill("kind", "kind"),
        pill("outcome", "outcome"),
        "failure",
        "detail",
        "found_different",
        "database",
        "table_count",
        "row_count",
        "sha256",
        instant("started_at", "started"),
        instant("finished_at", "finished"),
        "request_id",
    ]
    readonly_fields = ["found_different"]

    @admin.display(description="differences")
    def found_different(self, row: Restoration) -> SafeString | str:
        if not row.differences:
            return NONE
        lines = format_html_join("", "<li>{}</li>", ((line,) for line in row.differences))
        return format_html("<ul>{}</ul>", lines)
