"""The console's pages of access: tenants, members, clients, keys, the audit log."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants.admin import actions
from tenants.console import ConsolePage, TenantFilter, facts, instant, pill
from tenants.models import (
    AuditEntry,
    Membership,
    ServiceClient,
    ServiceClientKey,
    Tenant,
)
from tenants.models.client import ENDS_SOON
from tenants.roles import Capability

ENABLED = {True: "enabled", False: "disabled"}


@admin.register(Tenant)
class TenantPage(ConsolePage):
    """Who owns nights, and whether their calls are taken."""

    reads = Capability.WHOAMI
    menu = "Tenants"
    tenant_path = "pk"
    named_actions = (
        actions.SUSPEND,
        actions.RESUME,
        actions.STAGE_LIVE,
        actions.STAGE_AFTERWARDS,
    )
    related = (
        ("Members", Membership, "tenant", "slug"),
        ("Service clients", ServiceClient, "tenant", "slug"),
        ("Keys", ServiceClientKey, "tenant", "slug"),
        ("Audit log", AuditEntry, "tenant", "slug"),
    )
    list_display = [
        "name",
        "slug",
        "kind",
        pill("status", "status"),
        "timezone",
        instant("created_at", "created"),
    ]
    list_filter = ["kind", "status"]
    search_fields = ["name", "slug", "uuid"]
    fields = [
        "name",
        "slug",
        "uuid",
        "kind",
        pill("status", "status"),
        "timezone",
        pill("stages_live", "staging", {True: "live and afterwards", False: "afterwards"}),
    ]

    def tenant_of(self, row: Tenant) -> Tenant:
        return row


@admin.register(Membership)
class MembershipPage(ConsolePage):
    """Which operator is what in which tenant."""

    reads = Capability.CLIENTS_READ
    menu = "Tenants"
    plural = "Members"
    list_display = ["operator", "tenant", "role", instant("created_at", "since")]
    list_filter = [TenantFilter, "role"]
    list_select_related = ["operator", "tenant"]
    search_fields = ["operator__username"]
    fields = ["operator", "tenant", "role", instant("created_at", "since")]


@admin.register(ServiceClient)
class ServiceClientPage(ConsolePage):
    """Programs that call the API, each with one role."""

    reads = Capability.CLIENTS_READ
    menu = "Tenants"
    empty = "No client calls yet. `manage.py client create` makes the first one."
    named_actions = (actions.ROTATE, actions.DISABLE, actions.ENABLE)
    related = (
        ("Keys", ServiceClientKey, "q", "uuid"),
        ("Audit log", AuditEntry, "q", "uuid"),
    )
    list_display = [
        "name",
        "tenant",
        "role",
        pill("is_enabled", "state", ENABLED),
        instant("created_at", "created"),
    ]
    list_filter = [TenantFilter, "role", "is_enabled"]
    list_select_related = ["tenant"]
    search_fields = ["name", "uuid"]
    fields = ["name", "uuid", "tenant", "role", pill("is_enabled", "state", ENABLED)]


class EndsFilter(admin.SimpleListFilter):
    """Keys that somebody should rotate."""

    title = parameter_name = "ends"

    def lookups(self, request: HttpRequest, page: Any) -> list[tuple[str, str]]:
        return [("soon", f"within {ENDS_SOON.days} days")]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "soon":
            return rows
        now = timezone.now()
        accepted: QuerySet[Any] = ServiceClientKey.objects.accepted(now)
        return rows.filter(pk__in=accepted.filter(expires_at__lt=now + ENDS_SOON).values("pk"))


@admin.register(ServiceClientKey)
class ServiceClientKeyPage(ConsolePage):
    """What signs a client's tokens; the secret itself is never shown again."""

    reads = Capability.CLIENTS_READ
    menu = "Tenants"
    plural = "Keys"
    named_actions = (actions.REVOKE,)
    related = (("Audit log", AuditEntry, "q", "kid"),)
    list_display = [
        "kid",
        "client",
        "tenant",
        "algorithm",
        pill("state", "state"),
        instant("expires_at", "ends"),
        instant("last_used_at", "last used"),
    ]
    list_filter = [TenantFilter, "state", EndsFilter, "algorithm"]
    list_select_related = ["client", "tenant"]
    search_fields = ["kid", "client__name", "client__uuid"]
    fields = [
        "kid",
        "client",
        "tenant",
        "algorithm",
        pill("state", "state"),
        instant("expires_at", "ends"),
        instant("last_used_at", "last used"),
        instant("created_at", "issued"),
    ]


@admin.register(AuditEntry)
class AuditEntryPage(ConsolePage):
    """Who changed what, when and why; nobody can edit it."""

    reads = Capability.AUDIT_READ
    menu = "Security"
    plural = "Audit log"
    ordering = ["-id"]
    list_display = [
        instant("at", "when"),
        "action",
        "what",
        "actor",
        "channel",
        "tenant",
    ]
    list_filter = [TenantFilter, "channel", "action", ("at", admin.DateFieldListFilter)]
    list_select_related = ["tenant"]
    search_fields = ["request_id__exact", "object_id__exact", "actor"]
    search_help_text = "A request id, an object's id, or part of who did it."

    @admin.display(description="object", ordering="object_id")
    def what(self, row: AuditEntry) -> SafeString:
        return format_html("{} <code>{}</code>", row.object_type, row.object_id)

    @admin.display(description="request")
    def same_request(self, row: AuditEntry) -> SafeString:
        """All that this request did, side by side."""
        url = f"{reverse('admin:tenants_auditentry_changelist')}?q={row.request_id}"
        return format_html('<code>{}</code> <a href="{}">same request</a>', row.request_id, url)

    fields = [
        instant("at", "when"),
        "action",
        "object_type",
        "object_id",
        "actor",
        "channel",
        "tenant",
        "reason",
        facts("before", "before"),
        facts("after", "after"),
        "same_request",
        "sequence",
        "digest",
        "previous_digest",
    ]
    readonly_fields = ["same_request"]
