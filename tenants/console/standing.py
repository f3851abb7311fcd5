"""Pages of the menu that show no rows of one model: what they are called, and who reads them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from tenants.console.who import operator_of
from tenants.roles import Capability

Site = Any


@dataclass(frozen=True)
class StandingPage:
    """`name` is its address and the template's; `shown` reads whatever it shows, and changes
    nothing."""

    name: str
    label: str
    says: str
    menu: str
    reads: Capability
    shown: Callable[[HttpRequest], dict[str, Any]]
    place: int = 50

    @property
    def address(self) -> str:
        return reverse(f"admin:{self.name}")

    def is_open_to(self, request: HttpRequest) -> bool:
        return operator_of(request).may(self.reads)

    @property
    def entry(self) -> dict[str, Any]:
        """As the menu lists it."""
        told = {"name": self.label, "object_name": self.name, "says": self.says}
        return told | {"admin_url": self.address}


def page(site: Site, standing: StandingPage, request: HttpRequest) -> HttpResponse:
    if not standing.is_open_to(request):
        raise PermissionDenied
    known = {"title": standing.label, **site.each_context(request), **standing.shown(request)}
    return TemplateResponse(request, f"admin/{standing.name}.html", known)
