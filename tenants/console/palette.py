"""Going anywhere by name: pages of the menu, and objects by what their own lists search.

A page without JavaScript; the palette in front of it asks for the same as JSON.
"""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from tenants.console.pages import ConsolePage

Site = Any
Found = dict[str, str]
ADDRESS = "search/"
LEAST_TYPED = 2
LONGEST_TYPED = 100
OF_EACH = 5


def page(site: Site, request: HttpRequest) -> HttpResponse:
    """What fits, pages first; objects only those that the operator reaches."""
    asked = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_TYPED]
    found = [*_pages(site, request, asked), *_objects(site, request, asked)]
    if request.GET.get("as") == "json":
        return JsonResponse({"found": found})
    known = {**site.each_context(request), "title": _("Search"), "asked": asked, "found": found}
    return TemplateResponse(request, "admin/search.html", known)


def _pages(site: Site, request: HttpRequest, asked: str) -> Iterator[Found]:
    for group in site.get_app_list(request):
        for entry in group["models"]:
            if asked.lower() in entry["name"].lower():
                yield {"name": entry["name"], "kind": group["name"], "url": entry["admin_url"]}


def _objects(site: Site, request: HttpRequest, asked: str) -> Iterator[Found]:
    if len(asked) < LEAST_TYPED:
        return
    for found in site._registry.values():
        if isinstance(found, ConsolePage) and found.is_in_palette:
            yield from _of(found, request, asked)


def _of(found: ConsolePage, request: HttpRequest, asked: str) -> Iterator[Found]:
    """By the page's own search, which starts from what she reaches."""
    if not found.has_view_permission(request):
        return
    rows, _many = found.get_search_results(request, found.get_queryset(request), asked)
    for row in rows[:OF_EACH]:
        yield {"name": str(row), "kind": found.heading, "url": found.address("change", row.pk)}
