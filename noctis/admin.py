"""The console's pages of schedules and jobs: what runs when, and how it ended.

The choice is whether something runs, never when.
"""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django_celery_beat.models import PeriodicTask

from noctis.dashboard import device_page as device_page
from noctis.dashboard import tenant_page as tenant_page
from noctis.dashboard.punctuality import is_overdue, next_run
from noctis.models import TaskOutcome
from tenants.console import NamedAction, PlatformPage, calling, instant, pill
from tenants.console.shown import UTC_ZONE, moment
from tenants.models import AuditEntry
from tenants.roles import Capability
from tenants.services import schedules

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
STATE = pill("enabled", "state", {True: "on", False: "off"})


SWITCH_OFF = NamedAction(
    name="off",
    label="Switch off",
    done="switched off",
    explains="The task no longer starts by itself, also after restarts, until it is switched on.",
    needs=Capability.PLATFORM,
    run=calling(schedules.switch_schedule, "schedule", is_enabled=False),
    refusal=lambda row: "" if row.enabled else "It is off already.",
)
SWITCH_ON = NamedAction(
    name="on",
    label="Switch on",
    done="switched on",
    explains="The task starts by itself again, by its schedule.",
    needs=Capability.PLATFORM,
    run=calling(schedules.switch_schedule, "schedule", is_enabled=True),
    refusal=lambda row: "It is on already." if row.enabled else "",
)


@admin.register(PeriodicTask)
class SchedulePage(PlatformPage):
    """What runs by itself, and whether it does."""

    reads = Capability.PLATFORM_READ
    menu = "Reliability"
    plural = "Schedules"
    empty = "Beat has not started yet; it writes the schedules down when it does."
    named_actions = (SWITCH_OFF, SWITCH_ON)
    related = (
        ("Job", TaskOutcome, "q", "task"),
        ("Audit log", AuditEntry, "q", "name"),
    )
    list_display = [
        "name",
        "when",
        STATE,
        instant("last_run_at", "last run"),
        "outcome",
        "next_run",
    ]
    list_select_related = ["interval", "crontab", "solar", "clocked"]
    search_fields = ["name", "task"]
    ordering = ["name"]
    fields = [
        "name",
        "task",
        "when",
        STATE,
        instant("last_run_at", "last run"),
        "outcome",
        "next_run",
        "total_run_count",
    ]
    readonly_fields = ["when", "outcome", "next_run"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Beat knows when it sent a task; how that ended is told by the worker."""
        ended = TaskOutcome.objects.filter(task=OuterRef("task"))
        return (
            super()
            .get_queryset(request)
            .annotate(
                task_failed=Subquery(ended.values("is_failed")[:1]),
                task_ended_at=Subquery(ended.values("ended_at")[:1]),
                task_error=Subquery(ended.values("error")[:1]),
            )
        )

    @admin.display(description="schedule")
    def when(self, row: PeriodicTask) -> str:
        if row.interval is None:
            return str(row.crontab or row.solar or row.clocked)
        seconds = int(row.interval.schedule.run_every.total_seconds())
        size, unit = next(found for found in UNITS if seconds % found[0] == 0)
        return f"every {seconds // size} {unit}"

    @admin.display(description="outcome")
    def outcome(self, row: Any) -> SafeString | str:
        if row.task_ended_at is None:
            return _("not known yet")
        if row.task_failed:
            return format_html('<span class="pill is-failed">failed</span> {}', row.task_error)
        return format_html('<span class="pill is-done">{}</span>', _("done"))

    @admin.display(description="next run")
    def next_run(self, row: PeriodicTask) -> SafeString | str:
        if is_overdue(row, timezone.now()):
            return format_html('<span class="pill is-overdue">{}</span>', _("overdue"))
        return moment(next_run(row), UTC_ZONE)


@admin.register(TaskOutcome)
class JobPage(PlatformPage):
    """Background tasks: how each ended when it last did."""

    reads = Capability.PLATFORM_READ
    menu = "Reliability"
    plural = "Jobs"
    empty = "No worker has ended a task yet."
    related = (("Schedules", PeriodicTask, "q", "task"),)
    list_display = [
        "task",
        pill("is_failed", "last outcome", {True: "failed", False: "done"}),
        instant("ended_at", "ended"),
        "took",
        "failures",
        instant("failed_at", "last failure"),
    ]
    list_filter = ["is_failed"]
    search_fields = ["task"]
    fields = [
        "task",
        pill("is_failed", "last outcome", {True: "failed", False: "done"}),
        instant("ended_at", "ended"),
        "took",
        "failures",
        instant("failed_at", "last failure"),
        "error",
        "request_id",
    ]
    readonly_fields = ["took"]

    @admin.display(description="took", ordering="took_ms")
    def took(self, row: TaskOutcome) -> str:
        return f"{row.took_ms:,} ms"
