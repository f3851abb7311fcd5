"""The console's pages of access. Read-only: what has a rule is a named action."""

from django.contrib import admin

from tenants.console import ReadOnlyAdmin
from tenants.models import AuditEntry, Membership, ServiceClient, ServiceClientKey, Tenant
from tenants.roles import Capability


@admin.register(Tenant)
class TenantAdmin(ReadOnlyAdmin):
    reads = Capability.CLIENTS_READ
    tenant_path = "pk"
    list_display = ["name", "slug", "kind", "status", "timezone", "created_at"]
    list_filter = ["kind", "status"]
    search_fields = ["name", "slug"]


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    reads = Capability.CLIENTS_READ
    list_display = ["operator", "tenant", "role", "created_at"]
    list_filter = ["role"]
    list_select_related = ["operator", "tenant"]
    search_fields = ["operator__username"]


@admin.register(ServiceClient)
class ServiceClientAdmin(ReadOnlyAdmin):
    reads = Capability.CLIENTS_READ
    list_display = ["name", "tenant", "role", "is_enabled", "created_at"]
    list_filter = ["role", "is_enabled"]
    list_select_related = ["tenant"]
    search_fields = ["name", "uuid"]


@admin.register(ServiceClientKey)
class ServiceClientKeyAdmin(ReadOnlyAdmin):
    reads = Capability.CLIENTS_READ
    list_display = ["kid", "client", "tenant", "algorithm", "state", "expires_at", "last_used_at"]
    list_filter = ["state", "algorithm"]
    list_select_related = ["client", "tenant"]
    search_fields = ["kid", "client__name"]
    exclude = ["material"]


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    reads = Capability.AUDIT_READ
    list_display = ["at", "tenant", "actor", "channel", "action", "object_type", "object_id"]
    list_filter = ["channel", "action"]
    list_select_related = ["tenant"]
    search_fields = ["object_id", "request_id", "actor"]
    date_hierarchy = None
