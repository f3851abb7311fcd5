"""The bases of the operators' console: the site, and admins that show an operator what is hers."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from tenants.models import Operator
from tenants.roles import Capability


class ConsoleSite(admin.AdminSite):
    site_header = site_title = "Noctis"
    index_title = "Overview"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff flags say nothing here: whoever has a membership may enter."""
        person = request.user
        return isinstance(person, Operator) and person.is_active and bool(person.roles)


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Rows are looked at here; what a service decides is changed by a named action alone."""

    reads: Capability
    tenant_path = "tenant"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        person = request.user
        if not isinstance(person, Operator):
            return rows.none()
        if person.sees_every_tenant:
            return rows
        visible = [pk for pk in person.tenant_ids if person.may(self.reads, pk)]
        return rows.filter(**{f"{self.tenant_path}__in": visible})

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        person = request.user
        return isinstance(person, Operator) and person.may(self.reads)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
