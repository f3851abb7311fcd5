"""The console's page of devices. Read-only but for its named actions."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from devices import services
from devices.models import SILENT_AFTER, Device, is_silent
from tenants.console import NamedAction, TenantFilter, calling, instant, pill
from tenants.console.found import FoundByUuid
from tenants.models import AuditEntry, ServiceClientKey
from tenants.roles import Capability

RETIRE = NamedAction(
    name="retire",
    label="Retire",
    done="retired",
    explains="The device begins no more nights and gets no more keys. Its nights stay, and those "
    "that it began still take epochs. It can be made active again.",
    needs=Capability.DEVICES_WRITE,
    run=calling(services.change_device, "device", facts={"status": Device.Status.RETIRED}),
    refusal=lambda row: "It is retired already." if row.is_retired else "",
)
ACTIVATE = NamedAction(
    name="activate",
    label="Make active",
    done="active",
    explains="The device may begin nights again.",
    needs=Capability.DEVICES_WRITE,
    run=calling(services.change_device, "device", facts={"status": Device.Status.ACTIVE}),
    refusal=lambda row: "" if row.is_retired else "It is active already.",
)


class HeardFilter(admin.SimpleListFilter):
    """Those that somebody should look at."""

    title = parameter_name = "heard"

    def lookups(self, request: HttpRequest, page: Any) -> list[tuple[str, str]]:
        return [("silent", f"not for {SILENT_AFTER.total_seconds() / 3600:.0f} hours")]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(is_silent(timezone.now())) if self.value() == "silent" else rows


@admin.register(Device)
class DevicePage(FoundByUuid):
    """The boxes beside the beds, and when each was last heard of."""

    reads = Capability.DEVICES_READ
    menu = "Devices"
    is_in_palette = True
    empty = "No device yet. Its first night registers it, or `POST /v1/devices` does."
    named_actions = (RETIRE, ACTIVATE)
    related = (("Audit log", AuditEntry, "q", "uuid"), ("Keys", ServiceClientKey, "q", "uuid"))
    list_display = [
        "name",
        "external_id",
        "tenant",
        "model",
        "firmware_version",
        pill("status", "status"),
        instant("last_seen_at", "last seen"),
    ]
    list_filter = [TenantFilter, "status", HeardFilter]
    list_select_related = ["tenant"]
    search_fields = ["name", "external_id"]
    search_help_text = "An id, or part of a name or external id."
    fields = [
        "name",
        "external_id",
        "uuid",
        "tenant",
        "model",
        "firmware_version",
        pill("status", "status"),
        instant("last_seen_at", "last seen"),
        instant("created_at", "registered"),
        instant("updated_at", "changed"),
    ]
