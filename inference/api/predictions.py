"""The prediction log read back: one, why it was given, or a night's in three forms."""

from collections.abc import Callable, Sequence

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from inference import queries, serving
from inference.bodies import predictions as bodies
from inference.bodies import predictions_read as log
from inference.queries import Page
from inference.services import predictions_read
from noctis.filters import described
from noctis.http import JSONRenderer
from noctis.pagination import DEFAULT_LIMIT
from recordings.api.epochs_read import CsvRenderer, NdjsonRenderer
from recordings.models import Recording
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet, OwnedViewSet

TEXTS: dict[str, Callable[[Recording, Sequence[Page]], str]] = {
    NdjsonRenderer.media_type: log.ndjson,
    CsvRenderer.media_type: log.csv,
}


class Predictions(ApiViewSet):
    policy = {
        "retrieve": Capability.PREDICTIONS_READ,
        "explain": Capability.PREDICTIONS_READ,
    }

    @extend_schema(operation_id="get_prediction", responses=bodies.OnePrediction)
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """One prediction, with the version, its artifact's hash and the request it answered."""
        found = predictions_read.find(tenant=self.caller.tenant, prediction_id=id)
        return Response(bodies.one(found))

    @extend_schema(
        operation_id="explain_prediction",
        responses=bodies.Explained,
        extensions={"x-codes": ["inputs_changed", "inputs_gone", "model_unavailable"]},
    )
    def explain(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """What spoke for which stage: computed now, by that version, from the stored epochs.

        Refused where they are no longer what the version saw."""
        found = predictions_read.find(tenant=self.caller.tenant, prediction_id=id)
        snapshot = serving.current().seen_by(self.caller.tenant.pk)
        why = predictions_read.explain(found=found, serving=snapshot)
        return Response(bodies.explained(found, why))


class RecordingPredictions(OwnedViewSet):
    policy = {"list": Capability.PREDICTIONS_READ}
    parameters = {"list": frozenset(log.FILTERS) | {"cursor"}}
    queryset = Recording.objects.all()
    renderer_classes = [JSONRenderer, NdjsonRenderer, CsvRenderer]

    @extend_schema(
        operation_id="list_predictions",
        parameters=described(log.FILTERS),
        responses={
            (200, JSONRenderer.media_type): bodies.LoggedPrediction(many=True),
            (200, NdjsonRenderer.media_type): bodies.NDJSON_LINES,
            (200, CsvRenderer.media_type): bodies.CSV_LINES,
        },
    )
    def list(self, request: Request, id: str) -> HttpResponse | Response:  # noqa: A002 - the route's name
        """All that was ever predicted of a night, by epoch: every version, pass and revision.

        `Accept: application/x-ndjson` or `text/csv` answers the range; `Link` leads on."""
        recording = self.get_object()
        kind = request.accepted_renderer.media_type
        default = log.MOST_STREAMED if kind in TEXTS else DEFAULT_LIMIT
        span = log.wanted(request.query_params).span(recording.started_at, default)
        pages, left = queries.logged_within(recording, span)
        if kind in TEXTS:
            return _text(TEXTS[kind](recording, pages), kind, self._next(left))
        return Response({"items": log.listed(recording, pages), "next": self._next(left)})

    def _next(self, left: queries.Place | None) -> str | None:
        if left is None:
            return None
        here = self.request.build_absolute_uri()
        return str(replace_query_param(here, "cursor", log.cursor_of(left)))


def _text(content: str, kind: str, link: str | None) -> HttpResponse:
    headers = {"Link": f'<{link}>; rel="next"'} if link else {}
    return HttpResponse(content, content_type=f"{kind}; charset=utf-8", headers=headers)
