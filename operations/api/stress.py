"""`/internal/stress`: ask for a run under load, and read how it went."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from noctis import errors
from operations import tasks
from operations.bodies import stress as bodies
from operations.models import StressRun
from operations.services import stress
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet

AGAINST = OpenApiParameter("against", UUID, description="Another run to compare it with.")


class Stress(ApiViewSet):
    policy = {"run": Capability.PLATFORM, "retrieve": Capability.PLATFORM_READ}
    parameters = {"retrieve": frozenset({"against"})}

    @extend_schema(
        operation_id="run_stress",
        request=bodies.RunStress,
        responses={202: bodies.StressRunOut},
        extensions={"x-codes": ["stress_not_allowed", "stress_running"]},
    )
    def run(self, request: Request) -> Response:
        """Have a worker ingest and ask in a tenant of its own, which is removed afterwards."""
        profile = bodies.profile_of(bodies.RunStress.read(request.data))
        row = stress.request_run(profile=profile, actor=self.caller.actor)
        tasks.stress.run_stress.delay_on_commit(row.pk)
        return Response(bodies.run(row), status=202)

    @extend_schema(
        operation_id="get_stress_run", responses=bodies.StressRunOut, parameters=[AGAINST]
    )
    def retrieve(self, request: Request, **path: str) -> Response:
        """How far a run is, and what it measured, beside another if one is named."""
        against = request.query_params.get("against")
        other = None if against is None else _found(against)
        return Response(bodies.run(_found(path["id"]), other))


def _found(name: Any) -> StressRun:
    try:
        return StressRun.objects.get(uuid=UUID(str(name)))
    except (ValueError, StressRun.DoesNotExist):
        raise errors.Missing from None
