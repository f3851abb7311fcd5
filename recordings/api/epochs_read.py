"""A night read back: a page of JSON, or a range whole as NDJSON or CSV.

A night has at most 2,880 epochs, so every answer is bounded; it is made before its first byte is
sent, with its length in front: a failure is a problem and a cut is seen.
"""

from collections.abc import Callable, Sequence

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from noctis.filters import described
from noctis.http import JSONRenderer
from noctis.pagination import DEFAULT_LIMIT
from recordings import queries
from recordings.bodies import epochs_read as bodies
from recordings.models import Recording
from recordings.queries import Epochs
from tenants.roles import Capability
from tenants.viewsets import OwnedViewSet


class NdjsonRenderer(JSONRenderer):
    """Chooses the form; a problem is told in JSON whatever was asked for."""

    media_type = "application/x-ndjson"
    format = "ndjson"


class CsvRenderer(NdjsonRenderer):
    media_type = "text/csv"
    format = "csv"


TEXTS: dict[str, Callable[[Recording, Sequence[Epochs]], str]] = {
    NdjsonRenderer.media_type: bodies.ndjson,
    CsvRenderer.media_type: bodies.csv,
}


class RecordingEpochs(OwnedViewSet):
    policy = {"list": Capability.EPOCHS_READ}
    parameters = {"list": frozenset(bodies.FILTERS) | {"cursor"}}
    queryset = Recording.objects.all()
    renderer_classes = [JSONRenderer, NdjsonRenderer, CsvRenderer]

    @extend_schema(
        operation_id="list_epochs",
        parameters=described(bodies.FILTERS),
        responses={
            (200, JSONRenderer.media_type): bodies.StoredEpoch(many=True),
            (200, NdjsonRenderer.media_type): bodies.NDJSON_LINES,
            (200, CsvRenderer.media_type): bodies.CSV_LINES,
        },
    )
    def list(self, request: Request, id: str) -> HttpResponse | Response:  # noqa: A002 - the route's name
        """The epochs of a night in index order.

        `Accept: application/x-ndjson` or `text/csv` answers the whole range; `Link` names what a
        `limit` left."""
        recording = self.get_object()
        wanted = bodies.wanted(request.query_params)
        kind = request.accepted_renderer.media_type
        span = wanted.span(recording.started_at, DEFAULT_LIMIT if kind not in TEXTS else None)
        page = queries.epochs_within(recording, span)
        link = self._next(page.last) if page.has_more else None
        if kind in TEXTS:
            return _text(TEXTS[kind](recording, page.found), kind, link)
        return Response({"items": bodies.rows(recording, page.found), "next": link})

    def _next(self, last: int) -> str:
        return str(replace_query_param(self.request.build_absolute_uri(), "cursor", last))


def _text(content: str, kind: str, link: str | None) -> HttpResponse:
    headers = {"Link": f'<{link}>; rel="next"'} if link else {}
    return HttpResponse(content, content_type=f"{kind}; charset=utf-8", headers=headers)
