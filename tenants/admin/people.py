"""The console's pages of people: operators, and where they are signed in."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.utils import timezone

from tenants.admin import actions
from tenants.console import ConsolePage, PlatformPage, instant, pill
from tenants.models import AuditEntry, ConsoleSession, Membership, Operator, Tenant
from tenants.roles import Capability

STATE = pill("is_active", "state", {True: "active", False: "shut out"})


@admin.register(Operator)
class OperatorPage(ConsolePage):
    """The people at the console. What each may do is in her memberships; new ones are made on a
    tenant's page."""

    reads = Capability.CLIENTS_READ
    menu = "Security"
    is_in_palette = True
    named_actions = (actions.RESET_PASSWORD, actions.RESET_FACTOR, actions.DISABLE_FACTOR)
    related = (
        ("Memberships", Membership, "q", "username"),
        ("Sessions", ConsoleSession, "q", "username"),
        ("Audit log", AuditEntry, "q", "username"),
    )
    list_display = ["username", STATE, "second_factor", instant("last_login", "last sign-in")]
    search_fields = ["username"]
    fields = [
        "username",
        STATE,
        "second_factor",
        "recovery_codes",
        pill("must_change_password", "password", {True: "has to be changed", False: "her own"}),
        instant("last_login", "last sign-in"),
        instant("date_joined", "since"),
    ]
    readonly_fields = ["second_factor", "recovery_codes"]

    def within(self, rows: QuerySet[Any], tenant_ids: Iterable[int]) -> QuerySet[Any]:
        colleagues = Membership.objects.filter(tenant__in=tenant_ids)
        return rows.filter(pk__in=colleagues.values("operator"))

    def tenant_of(self, row: Operator) -> Tenant | None:
        """A person may be of several tenants: what she signs in with is the platform's to reset."""
        return Tenant.objects.platform().first()

    @admin.display(description="second factor")
    def second_factor(self, row: Operator) -> str:
        return "enrolled" if row.otp_secret else "none"

    @admin.display(description="recovery codes left")
    def recovery_codes(self, row: Operator) -> int:
        return int(row.recovery_codes.filter(used_at=None).count())


@admin.register(ConsoleSession)
class SessionPage(PlatformPage):
    """Who is signed in, since when and from where."""

    reads = Capability.PLATFORM
    menu = "Security"
    plural = "Sessions"
    empty = "Nobody is signed in."
    named_actions = (actions.END_SESSION,)
    ordering = ["-started_at"]
    list_display = ["operator", instant("started_at", "since"), "address", "browser"]
    list_select_related = ["operator"]
    search_fields = ["operator__username"]
    fields = ["operator", instant("started_at", "since"), "address", "browser"]

    def get_queryset(self, request: Any) -> QuerySet[Any]:
        """Expired sessions are deleted daily; until then they are nobody's."""
        going_on = {"session__expire_date__gt": timezone.now()}
        return super().get_queryset(request).filter(**going_on)
