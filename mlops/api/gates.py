"""`/v1/models/{version}/gates`: what a version has to show before it serves, judged when asked."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from inference.models import ModelVersion
from mlops import tasks
from mlops.bodies import gates as bodies
from mlops.services import gates
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet


class ModelGates(ApiViewSet, GenericViewSet[Any]):
    """Of labelled nights of all tenants: for those who promote."""

    policy = dict.fromkeys(("retrieve", "judge"), Capability.MODELS_PROMOTE)
    queryset = ModelVersion.objects.all()
    lookup_field = "version"

    @extend_schema(operation_id="model_gates", responses=bodies.ModelGates)
    def retrieve(self, request: Request, version: str) -> Response:
        """Each gate with its figure: passed, failed, or unknown, which is not passed."""
        return self._told()

    @extend_schema(
        operation_id="judge_model",
        request=bodies.JudgeModel,
        responses={202: bodies.ModelGates},
        extensions={"x-codes": ["pass_not_offered"]},
    )
    def judge(self, request: Request, version: str) -> Response:
        """Have a version judged by labelled nights that it never saw, beside what serves.

        A job; asking again while it is due or at work is the same."""
        row = self.get_object()
        families = bodies.JudgeModel.read(request.data).get("families", ())
        runs = gates.request_runs(version=row.version, families=families, actor=self.caller.actor)
        for run in runs:
            tasks.judge_version.delay_on_commit(run.pk)
        return self._told(status=202)

    def _told(self, status: int = 200) -> Response:
        row = self.get_object()
        found = [gates.gates_of(row=row, family=family) for family in row.families]
        return Response(bodies.model_gates(row, found), status=status)
