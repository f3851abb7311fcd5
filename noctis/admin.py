"""The console's page of schedules: what runs when; the choice is whether, never when."""

from django.contrib import admin
from django_celery_beat.models import PeriodicTask

from tenants.console import NamedAction, PlatformPage, calling, instant, pill
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

    reads = Capability.PLATFORM
    menu = "Reliability"
    plural = "Schedules"
    empty = "Beat has not started yet; it writes the schedules down when it does."
    named_actions = (SWITCH_OFF, SWITCH_ON)
    related = (("Audit log", AuditEntry, "q", "name"),)
    list_display = [
        "name",
        "task",
        "when",
        STATE,
        instant("last_run_at", "last run"),
        "total_run_count",
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
        "total_run_count",
    ]
    readonly_fields = ["when"]

    @admin.display(description="schedule")
    def when(self, row: PeriodicTask) -> str:
        if row.interval is None:
            return str(row.crontab or row.solar or row.clocked)
        seconds = int(row.interval.schedule.run_every.total_seconds())
        size, unit = next(found for found in UNITS if seconds % found[0] == 0)
        return f"every {seconds // size} {unit}"
