"""What the numbers of an epoch mean. The same for every tenant."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from recordings.bodies import schemas as bodies
from recordings.models import FeatureSchema
from tenants.roles import Capability
from tenants.viewsets import PAGING, ApiViewSet


class FeatureSchemas(ApiViewSet, GenericViewSet[Any]):
    policy = {"list": Capability.SCHEMAS_READ, "retrieve": Capability.SCHEMAS_READ}
    parameters = {"list": PAGING}
    queryset = FeatureSchema.objects.all()
    lookup_field = "version"
    keyset = "id"

    @extend_schema(operation_id="list_feature_schemas", responses=bodies.FeatureSchema(many=True))
    def list(self, request: Request) -> Response:
        """Every version there is, newest first; one of them is active."""
        found = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response([bodies.schema(row) for row in found])

    @extend_schema(operation_id="get_feature_schema", responses=bodies.FeatureSchema)
    def retrieve(self, request: Request, version: str) -> Response:
        """One version: its features in order, with units and ranges."""
        return Response(bodies.schema(self.get_object()))
