"""Where this comes from: from a prediction or a version back to the nights it was trained on."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from inference.models import ModelVersion
from inference.services import predictions_read
from mlops.bodies import lineage as bodies
from mlops.services import lineage
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet


class ModelLineage(ApiViewSet, GenericViewSet[Any]):
    policy = {"retrieve": Capability.MODELS_READ}
    queryset = ModelVersion.objects.all()
    lookup_field = "version"

    @extend_schema(operation_id="model_lineage", responses=bodies.Lineage)
    def retrieve(self, request: Request, version: str) -> Response:
        """The run, experiment and snapshot that a version came of, and one's own nights in it."""
        origin = lineage.origin_of(version=self.get_object(), tenant=self.caller.tenant)
        return Response(bodies.lineage(origin))


class PredictionLineage(ApiViewSet):
    policy = {"retrieve": Capability.PREDICTIONS_READ}

    @extend_schema(operation_id="prediction_lineage", responses=bodies.PredictionLineage)
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """The same for one prediction: the version that gave it, and back from there."""
        tenant = self.caller.tenant
        found = predictions_read.find(tenant=tenant, prediction_id=id)
        origin = lineage.origin_of(version=found.version, tenant=tenant)
        return Response(bodies.prediction_lineage(found, origin))
