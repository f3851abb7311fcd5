"""How well a night was staged: what was predicted against what a scorer says."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from inference.bodies.hypnograms import RANGE
from mlops.bodies import evaluation as bodies
from mlops.services import evaluation
from noctis.filters import described
from recordings.models import Recording
from tenants.roles import Capability
from tenants.viewsets import OwnedViewSet


class RecordingEvaluation(OwnedViewSet):
    policy = {"retrieve": Capability.PREDICTIONS_READ}
    parameters = {"retrieve": frozenset(RANGE)}
    queryset = Recording.objects.all()

    @extend_schema(
        operation_id="evaluate_recording",
        parameters=described(RANGE),
        responses=bodies.NightEvaluation,
        extensions={"x-codes": ["night_not_staged", "labels_missing", "predictions_missing"]},
    )
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """The stages of a night's current version against its newest labels.

        In four stages, however fine either side is; a score that is undefined is null."""
        recording = self.get_object()
        span = bodies.span(recording, request.query_params)
        return Response(
            bodies.evaluation(evaluation.evaluate_night(recording=recording, span=span))
        )
