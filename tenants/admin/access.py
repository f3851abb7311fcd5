"""The console's pages of access: tenants, members, clients, keys, the audit log."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tenants.admin import actions, members, snippets, use
from tenants.console import ConsolePage, TenantFilter, facts, instant, pill, shown
from tenants.models import (
    AuditEntry,
    Membership,
    ServiceClient,
    ServiceClientKey,
    Tenant,
)
from tenants.models.client import ENDS_SOON
from tenants.roles import Capability, Role, granted
from tenants.services import audit

MOST_EVENTS = 100
MOST_KEYS = 20
KID = (
    '<li><a href="{}"><code>{}</code></a> <span class="pill is-{}">{}</span>'
    " last used {}, ends {}</li>"
)
EVENT = '<li><a href="{}">{}</a> {} <small>{}</small></li>'
ENABLED = {True: "enabled", False: "disabled"}


@admin.register(Tenant)
class TenantPage(ConsolePage):
    """Who owns nights, and whether their calls are taken."""

    reads = Capability.WHOAMI
    menu = "Tenants"
    is_in_palette = True
    tenant_path = "pk"
    named_actions = (
        members.ADD,
        members.CREATE,
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
    """Which operator is what in which tenant. Members are added on their tenant's page."""

    reads = Capability.CLIENTS_READ
    menu = "Tenants"
    plural = "Members"
    list_display = ["operator", "tenant", "role", instant("created_at", "since")]
    list_filter = [TenantFilter, "role"]
    list_select_related = ["operator", "tenant"]
    search_fields = ["operator__username"]
    named_actions = (members.CHANGE_ROLE, members.REMOVE)
    fields = ["operator", "tenant", "role", instant("created_at", "since")]


@admin.register(ServiceClient)
class ServiceClientPage(ConsolePage):
    """Programs that call the API, each with one role."""

    reads = Capability.CLIENTS_READ
    menu = "Tenants"
    is_in_palette = True
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
    fields = [
        "name",
        "uuid",
        "tenant",
        "role",
        pill("is_enabled", "state", ENABLED),
        "may",
        "kids",
        "calls",
        "snippets",
    ]
    readonly_fields = ["may", "kids", "calls", "snippets"]

    @admin.display(description="calls")
    def calls(self, row: ServiceClient) -> SafeString:
        return use.by_day(row.tenant_id, list(row.keys.values_list("kid", flat=True)))

    @admin.display(description="may")
    def may(self, row: ServiceClient) -> str:
        held = granted(Role(row.role), is_platform=row.tenant.is_platform)
        return ", ".join(sorted(held))

    @admin.display(description="keys")
    def kids(self, row: ServiceClient) -> SafeString | str:
        """Newest first, each with its state and when it was last used."""
        zone = shown.zone_of(row)
        lines = [
            (
                reverse("admin:tenants_serviceclientkey_change", args=[key.pk]),
                key.kid,
                key.state,
                key.state,
                shown.moment(key.last_used_at, zone),
                shown.moment(key.expires_at, zone),
            )
            for key in row.keys.order_by("-created_at", "-pk")[:MOST_KEYS]
        ]
        return format_html('<ul class="kids">{}</ul>', format_html_join("", KID, lines))

    @admin.display(description="to call with it")
    def snippets(self, row: ServiceClient) -> SafeString:
        """For the newest key that is accepted; the secret itself is nowhere."""
        accepted = row.keys.accepted(timezone.now()).order_by("-created_at", "-pk")
        key = accepted.only("kid", "algorithm").first()
        if key is None:
            return format_html("{}", _("No key is accepted: rotate one."))
        return snippets.of(row, key)


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
        "calls",
    ]
    readonly_fields = ["calls"]

    @admin.display(description="calls")
    def calls(self, row: ServiceClientKey) -> SafeString:
        return use.by_day(row.tenant_id, [row.kid])


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

    @admin.display(description="same request")
    def same_request(self, row: AuditEntry) -> SafeString:
        """All that this request did, side by side, in this tenant's log."""
        url = f"{reverse('admin:tenants_auditentry_changelist')}?q={row.request_id}"
        owned: QuerySet[Any] = AuditEntry.objects.owned_by(row.tenant_id)
        events = owned.filter(request_id=row.request_id).order_by("sequence")[:MOST_EVENTS]
        lines = format_html_join("", EVENT, (_event(one, row) for one in events))
        link = format_html('<code>{}</code> <a href="{}">in every log</a>', row.request_id, url)
        return format_html('{}<ol class="events">{}</ol>', link, lines)

    @admin.display(description="chain")
    def chain(self, row: AuditEntry) -> SafeString:
        """This link looked at now; the whole chain is, daily and by `manage.py audit verify`."""
        owned: QuerySet[Any] = AuditEntry.objects.owned_by(row.tenant_id)
        before = owned.filter(sequence=row.sequence - 1).values_list("digest", flat=True).first()
        if audit.digest_of(row) != row.digest:
            return format_html('<span class="pill is-failed">{}</span>', _("was edited"))
        if (before or "") != row.previous_digest:
            return format_html('<span class="pill is-failed">{}</span>', _("does not follow"))
        told = _("holds: unedited, and follows entry %(n)s") % {"n": row.sequence - 1}
        return format_html('<span class="pill is-done">{}</span>', told)

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
        "chain",
        "sequence",
        "digest",
        "previous_digest",
    ]
    readonly_fields = ["same_request", "chain"]


def _event(one: AuditEntry, shown: AuditEntry) -> tuple[str, str, str, str]:
    url = reverse("admin:tenants_auditentry_change", args=[one.pk])
    return url, f"{one.sequence}", str(one), _("this one") if one.pk == shown.pk else ""
