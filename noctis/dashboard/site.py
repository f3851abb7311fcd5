"""The console's site with its overview. A view is a link: range and tenant stand in the address."""

from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse

from noctis.dashboard import overview
from tenants.console import ConsoleSite


class Console(ConsoleSite):
    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        shown = overview.of(request)
        return super().index(request, {"overview": shown, **(extra_context or {})})
