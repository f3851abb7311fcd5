"""The API's own pages: its OpenAPI document, the reference that reads it, and a page for each code."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from noctis.errors import CODES


class Schema(SpectacularJSONAPIView):
    """The OpenAPI document."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = []


class Reference(SpectacularSwaggerSplitView):
    """Swagger UI, its script at an address of its own so that no inline script is needed."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = []
    url_name = "openapi"
    template_name = "noctis/reference.html"


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """Every code that an answer can carry."""
    return render(request, "noctis/problems.html", {"codes": _sorted()})


@require_safe
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """What a code means and what to do about it."""
    if code not in CODES:
        raise Http404
    return render(request, "noctis/problem.html", {"row": CODES[code]})


def _sorted() -> list[Any]:
    return sorted(CODES.values(), key=lambda row: (row.status, row.code))
