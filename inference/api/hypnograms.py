"""A night as it was staged: in JSON, as a table, as EDF+ annotations; and in numbers."""

from collections.abc import Callable

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from inference import sheets
from inference.bodies import hypnograms as bodies
from inference.services import hypnograms
from inference.sheets import Sheet
from noctis.filters import described
from noctis.http import JSONRenderer
from recordings.api.epochs_read import CsvRenderer
from recordings.models import Recording
from tenants.roles import Capability
from tenants.viewsets import OwnedViewSet


class EdfRenderer(JSONRenderer):
    """Chooses the form; a problem is told in JSON whatever was asked for."""

    media_type = "application/edf"
    format = "edf"


FILES: dict[str, tuple[str, Callable[[Sheet], str | bytes]]] = {
    CsvRenderer.media_type: ("csv", sheets.csv),
    EdfRenderer.media_type: ("edf", sheets.edf),
}


class RecordingHypnogram(OwnedViewSet):
    policy = {"retrieve": Capability.PREDICTIONS_READ}
    queryset = Recording.objects.all()
    renderer_classes = [JSONRenderer, CsvRenderer, EdfRenderer]

    @extend_schema(
        operation_id="get_hypnogram",
        responses={
            (200, JSONRenderer.media_type): bodies.Hypnogram,
            (200, CsvRenderer.media_type): bodies.CSV_LINES,
            (200, EdfRenderer.media_type): bodies.EDF_FILE,
        },
        extensions={"x-codes": ["night_not_staged"]},
    )
    def retrieve(self, request: Request, id: str) -> HttpResponse | Response:  # noqa: A002 - the route's name
        """The night as it was staged last, with its statistics.

        `Accept: text/csv` answers a row an epoch, `application/edf` an EDF+ file of annotations."""
        recording = self.get_object()
        row = hypnograms.current(recording=recording)
        kind = request.accepted_renderer.media_type
        if kind in FILES:
            return _file(kind, bodies.sheet(recording, row))
        return Response(bodies.hypnogram(recording, row))


class RecordingSummary(OwnedViewSet):
    policy = {"retrieve": Capability.PREDICTIONS_READ}
    parameters = {"retrieve": frozenset(bodies.RANGE)}
    queryset = Recording.objects.all()

    @extend_schema(
        operation_id="get_summary",
        parameters=described(bodies.RANGE),
        responses=bodies.Summary,
        extensions={"x-codes": ["night_not_staged"]},
    )
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """The night in numbers, or the range of it that is asked for; gaps are stated, not guessed.

        `covers` says which epochs were looked at: whole ones, as far as the night reaches."""
        recording = self.get_object()
        row = hypnograms.current(recording=recording)
        return Response(bodies.summary(recording, row, request.query_params))


def _file(kind: str, sheet: Sheet) -> HttpResponse:
    ending, write = FILES[kind]
    charset = "; charset=utf-8" if kind.startswith("text/") else ""
    named = f'attachment; filename="{sheet.name}.{ending}"'
    headers = {"Content-Disposition": named}
    return HttpResponse(write(sheet), content_type=f"{kind}{charset}", headers=headers)
