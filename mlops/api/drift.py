"""Whether a tenant's nights have moved: the newest run, or the same computed now."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from mlops.bodies import drift as bodies
from mlops.services import drift
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet


class ModelDrift(ApiViewSet):
    policy = {"retrieve": Capability.MODELS_READ}
    parameters = {"retrieve": frozenset(bodies.PARAMETERS)}

    @extend_schema(
        operation_id="model_drift",
        parameters=bodies.described(),
        responses=bodies.Drift,
        extensions={"x-codes": ["model_not_found", "model_unavailable", "no_drift_reference"]},
    )
    def retrieve(self, request: Request) -> Response:
        """How far the newest nights are from those before them, and from the version's training.

        Nights are compared, not epochs. Below ten nights a side it is `insufficient_data`."""
        model, period = bodies.read(request.query_params)
        tenant = self.caller.tenant
        known = drift.newest(tenant=tenant, model=model, period=period)
        return Response(
            bodies.drift(known or drift.look(tenant=tenant, model=model, period=period))
        )
