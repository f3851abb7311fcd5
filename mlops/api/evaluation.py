"""How well nights were staged: what was predicted against what scorers say."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from inference.bodies.hypnograms import RANGE
from mlops.bodies import evaluation as bodies
from mlops.bodies import evaluation_of_all as all_bodies
from mlops.services import evaluation, evaluation_of_all
from noctis.filters import described
from recordings.models import Recording
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet, OwnedViewSet


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


class ModelEvaluation(ApiViewSet):
    policy = {"retrieve": Capability.PREDICTIONS_READ}
    parameters = {"retrieve": frozenset(all_bodies.PARAMETERS)}

    @extend_schema(
        operation_id="evaluate_model",
        parameters=all_bodies.described(),
        responses=all_bodies.EvaluationOfAllBody,
        extensions={"x-codes": ["model_not_found", "model_unavailable"]},
    )
    def retrieve(self, request: Request) -> Response:
        """A version against the newest labels of all the nights that it staged last.

        In four stages; the seven days before the end stand beside the whole."""
        asked = all_bodies.read(request.query_params, self.caller)
        found = evaluation_of_all.evaluate_all(
            tenant_ids=None if asked.tenant is None else [asked.tenant.pk],
            model=asked.model,
            start=asked.start,
            end=asked.end,
        )
        return Response(all_bodies.evaluation(found))
