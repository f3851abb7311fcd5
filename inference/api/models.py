"""`/v1/models`: what may stage nights, and what does. Only its pins are a tenant's own."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from inference.bodies import models as bodies
from inference.models import ModelVersion
from inference.services import pins, reloading
from inference.services.model_events import Decision
from noctis.views import Continued
from tenants.roles import Capability
from tenants.viewsets import PAGING, ApiViewSet


class Models(ApiViewSet, GenericViewSet[Any]):
    policy = {
        "list": Capability.MODELS_READ,
        "retrieve": Capability.MODELS_READ,
        "reload": Capability.MODELS_PROMOTE,
    }
    parameters = {"list": PAGING}
    queryset = ModelVersion.objects.select_related("schema").prefetch_related("serving")
    lookup_field = "version"
    keyset = "id"
    repeatable = frozenset({"reload"})

    @extend_schema(operation_id="list_models", responses=bodies.Model(many=True))
    def list(self, request: Request) -> Response:
        """Every version in the registry, newest first, and what each serves."""
        found = self.paginate_queryset(self.get_queryset()) or []
        own = pins.pinned_by(self.caller.tenant)
        return self.get_paginated_response([bodies.model(row, own) for row in found])

    @extend_schema(operation_id="get_model", responses=bodies.DetailedModel)
    def retrieve(self, request: Request, version: str) -> Response:
        """One version: its metrics, its provenance, its card, and what became of it."""
        own = pins.pinned_by(self.caller.tenant)
        return Response(bodies.detailed_model(self.get_object(), own))

    @extend_schema(
        operation_id="reload_models",
        request=bodies.Reload,
        responses=bodies.ReloadedModels,
        extensions={"x-codes": ["model_not_loadable"]},
    )
    def reload(self, request: Request) -> Response:
        """Load what should serve anew, in every process; a failure keeps what served before."""
        body = bodies.Reload.read(request.data)
        decision = Decision(self.caller.actor, body.get("reason", ""))
        reloading.order_reload(decision=decision)
        return Continued(bodies.reloaded_models(reloading.unheard()), then=self._reloaded)

    def _reloaded(self) -> Response:
        return Response(bodies.reloaded_models(reloading.hear_reload()))
