"""Stages are asked for over HTTP: the hot path. What is answered is logged and committed."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from inference import serving
from inference.bodies import predictions as bodies
from inference.bodies import questions
from inference.services import predict
from inference.services.predict import Asker
from noctis import context
from noctis.http import read_json
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet


class Predict(ApiViewSet):
    """A key of one device asks nothing: it records, and others read."""

    policy = {"predict": Capability.PREDICT}
    repeatable = frozenset({"predict"})

    @extend_schema(
        operation_id="predict",
        request=questions.Ask,
        responses=bodies.Given,
        extensions={
            "x-codes": [
                "not_enough_epochs",
                "feature_schema_mismatch",
                "epoch_off_grid",
                "model_unavailable",
            ]
        },
    )
    def predict(self, request: Request) -> Response:
        """Stage the newest epoch of a recording, what is pending, or all of it.

        The same question about the same epochs is answered from the log."""
        caller = self.caller
        snapshot = serving.current().seen_by(caller.tenant.pk)
        question = questions.read(read_json(request), snapshot)
        asker = Asker(caller.tenant, context.request_id(), caller.client_id)
        answer = predict.predict(question=question, asker=asker, snapshot=snapshot)
        return Response(bodies.given(answer))
