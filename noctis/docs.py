"""The API's own pages: the way in, its description, the reference, and a page for each code."""

from http import HTTPStatus
from itertools import groupby

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.vary import vary_on_headers
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.response import Response

from noctis import errors, http, manual, problems
from noctis.methods import read_only


@read_only
def landing(request: HttpRequest) -> HttpResponse:
    """The way in, for people; programs start at the document."""
    return render(request, "noctis/landing.html", {"base": request.build_absolute_uri("/")})


@read_only
def document(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    return HttpResponse(manual.document_text(), content_type="application/json")


class Reference(SpectacularSwaggerSplitView):
    """Swagger UI, its script at an address of its own so that no inline script is needed."""

    http_method_names = ["get", "head"]
    authentication_classes = []
    permission_classes = []
    throttle_classes = []
    url_name = "openapi"
    template_name = "noctis/reference.html"
    template_name_js = "noctis/reference.js"
    title = "Noctis API"

    def handle_exception(self, exc: Exception) -> Response:
        """A refusal is a problem, and no page made from the template of the page."""
        self.request.accepted_renderer = http.JSONRenderer()
        return super().handle_exception(exc)


@read_only
@vary_on_headers("Accept")
def all_problems(request: HttpRequest) -> HttpResponse:
    """Every code that a refusal can carry."""
    rows = problems.registry()
    if _prefers_json(request):
        return JsonResponse({"items": [problems.explained(row) for row in rows], "next": None})
    return render(request, "noctis/problems.html", {"groups": _by_status(rows)})


@read_only
@vary_on_headers("Accept")
def one_problem(request: HttpRequest, code: str) -> HttpResponse:
    """What a code means and what to do about it."""
    row = next((row for row in problems.registry() if row.code == code), None)
    if row is None:
        raise Http404
    if _prefers_json(request):
        return JsonResponse(problems.explained(row))
    return render(request, "noctis/problem.html", {"row": row, "answer": problems.answer_text(row)})


def _prefers_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _by_status(rows: list[errors.Code]) -> list[tuple[HTTPStatus, list[errors.Code]]]:
    return [(HTTPStatus(status), list(found)) for status, found in groupby(rows, _status)]


def _status(row: errors.Code) -> int:
    return row.status
