"""The base of every page: read-only, its rows what the operator's memberships reach.

Changes are named actions, each at an address of its own: GET shows, POST acts.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property

from tenants.console import beginnings, desk
from tenants.console.actions import MOST_ROWS, NamedAction
from tenants.console.shown import Column
from tenants.console.who import operator_of
from tenants.models import Tenant
from tenants.roles import Capability

MOST_TENANTS_LISTED = 50
Related = tuple[tuple[str, type[Model], str, str], ...]


class CappedPaginator(Paginator[Any]):
    """Counts no further than anybody would leaf: a list of a million rows opens as fast."""

    most_counted = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.most_counted + 1].count())


class TenantFilter(admin.SimpleListFilter):
    """Offers the tenants that the page reaches and no other; the stock filter would list all."""

    title = parameter_name = "tenant"

    def lookups(self, request: HttpRequest, page: Any) -> list[tuple[str, str]]:
        reach = operator_of(request).reach(page.reads)
        tenants = Tenant.objects.all() if reach is None else Tenant.objects.filter(pk__in=reach)
        return list(tenants.values_list("slug", "name")[:MOST_TENANTS_LISTED])

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return rows
        # By number and not through a join: only so is the tenant's index read in order.
        chosen = Tenant.objects.filter(slug=self.value()).values_list("pk", flat=True)
        return rows.filter(tenant__in=list(chosen))


class ConsolePage(admin.ModelAdmin[Any]):
    """A subclass says what it shows, who may read it, and which actions it offers."""

    reads: Capability
    menu: str
    # Among the pages of its menu; what people open first comes first.
    place = 50
    plural: str = ""
    empty = "Nothing here yet."
    # Whether its objects are found by the palette: few enough to be searched as somebody types.
    is_in_palette = False
    named_actions: tuple[NamedAction, ...] = ()
    # What brings a new row about, offered by the list; `run` is called with no row.
    begins: tuple[NamedAction, ...] = ()
    # What belongs to a row: label, model, the list's parameter, the row's attribute for it.
    related: Related = ()
    tenant_path = "tenant"

    show_full_result_count = False
    paginator = CappedPaginator
    # Counting for each choice of each filter would read the whole table several times.
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0

    @classmethod
    def also_show(cls, *columns: Column, related: Related = ()) -> None:
        """What an app above knows of these rows, at the end of each one's page."""
        cls.fields = [*(cls.fields or ()), *columns]
        cls.related = (*cls.related, *related)

    @classmethod
    def also_offer(cls, *actions: NamedAction) -> None:
        """What an app above does to these rows, behind what is done to them here."""
        cls.named_actions = (*cls.named_actions, *actions)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        reach = operator_of(request).reach(self.reads)
        rows = super().get_queryset(request)
        return rows if reach is None else self.within(rows, reach)

    def within(self, rows: QuerySet[Any], tenant_ids: Iterable[int]) -> QuerySet[Any]:
        """The rows that these tenants own."""
        return rows.filter(**{f"{self.tenant_path}__in": tenant_ids})

    def tenant_of(self, row: Any) -> Tenant | None:
        """Whose audit log tells of a change of this row."""
        tenant: Tenant | None = row.tenant
        return tenant

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return operator_of(request).may(self.reads)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what a declared filter asks, or `?material__startswith=` would be an oracle."""
        return any(_asks(item, lookup) for item in self.list_filter)

    def get_urls(self) -> list[URLPattern]:
        """Lists, objects and actions; no page to add, delete or change by form."""
        kept = [
            url for url in super().get_urls() if str(url.name).endswith(("_changelist", "_change"))
        ]
        view = self.admin_site.admin_view(self.action_view)
        return [path("action/<str:name>/", view, name=f"{self._route}_action"), *kept]

    @property
    def _route(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def address(self, kind: str, *args: Any) -> str:
        return reverse(f"admin:{self._route}_{kind}", args=args)

    @property
    def heading(self) -> str:
        return self.plural or str(self.opts.verbose_name_plural).capitalize()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """What the operator may do to several rows; the stock "delete" is not among it."""
        return {
            action.name: (partial(_to_action_page, action.name), action.name, action.label)
            for action in self.named_actions
            if action.takes_many and operator_of(request).may(action.needs)
        }

    def action_view(self, request: HttpRequest, name: str) -> HttpResponse:
        if any(action.name == name for action in self.begins):
            return beginnings.answer(self, request, name)
        return desk.answer(self, request, name)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "title": self.heading,
            "page": self,
            "begins": beginnings.offered(self, request) if self.begins else [],
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any
    ) -> HttpResponse:
        row = more.get("obj") or context["original"]
        context |= {
            "title": str(row),
            "subtitle": None,
            "page": self,
            "tools": desk.tools(self, request, row),
            "related": desk.related(self, request, row),
        }
        return super().render_change_form(request, context, *args, **more)


class PlatformPage(ConsolePage):
    """Rows that are nobody's own: whoever may read them at all reads them all."""

    def within(self, rows: QuerySet[Any], tenant_ids: Iterable[int]) -> QuerySet[Any]:
        return rows

    def tenant_of(self, row: Any) -> Tenant | None:
        """What is done to them concerns everybody, so the platform's log tells of it."""
        return Tenant.objects.platform().first()


def _to_action_page(
    name: str, page: ConsolePage, request: HttpRequest, rows: QuerySet[Any]
) -> HttpResponse | None:
    pks = list(rows.order_by("pk").values_list("pk", flat=True)[: MOST_ROWS + 1])
    if len(pks) > MOST_ROWS:
        page.message_user(request, f"At most {MOST_ROWS} at once; nothing was changed.", "WARNING")
        return None
    query = QueryDict(mutable=True)
    query.setlist("pk", [str(pk) for pk in pks])
    return HttpResponseRedirect(f"{page.address('action', name)}?{query.urlencode()}")


def _asks(declared: Any, lookup: str) -> bool:
    if isinstance(declared, type):
        return lookup == getattr(declared, "parameter_name", None)
    field = declared if isinstance(declared, str) else declared[0]
    return lookup.split("__")[0] == field
