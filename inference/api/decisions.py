"""`/v1/models/{version}/…`: what becomes of a version, decided by a person with a reason."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from inference.bodies import decisions as bodies
from inference.models import ModelVersion
from inference.services import registry, reloading
from inference.services.model_events import Decision
from noctis import errors, idempotency
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet

EDGE = ["illegal_transition"]
SERVING = [*EDGE, "pinned_by_environment", "pass_not_offered", "model_not_loadable"]
ACTIONS = ("validate", "promote", "archive", "reject", "rollback")


class ModelDecisions(ApiViewSet, GenericViewSet[Any]):
    """The actor is the token's. Deciding again what is so already changes nothing."""

    policy = dict.fromkeys(ACTIONS, Capability.MODELS_PROMOTE)
    repeatable = frozenset(ACTIONS) - {"rollback"}
    queryset = ModelVersion.objects.all()
    lookup_field = "version"

    @extend_schema(
        operation_id="validate_model",
        request=bodies.Decide,
        responses=bodies.Decided,
        extensions={"x-codes": EDGE},
    )
    def validate(self, request: Request, version: str) -> Response:
        """Read a candidate's artifact, check every byte, let it test itself; then it may serve."""
        return self._decided(registry.validate_version, version)

    @extend_schema(
        operation_id="promote_model",
        request=bodies.Promote,
        responses=bodies.Served,
        extensions={"x-codes": [*SERVING, "model_not_validated", "gates_unmet"]},
    )
    def promote(self, request: Request, version: str) -> Response:
        """Let a version serve that has passed its gates; what served before is archived.

        Says which processes have loaded it; not with an `Idempotency-Key`: `heard` is false."""
        body = self._body(bodies.Promote)
        registry.serve_version(
            version=version, families=body.get("families", ()), decision=self._decision(body)
        )
        return self._serving(version)

    @extend_schema(
        operation_id="archive_model",
        request=bodies.Decide,
        responses=bodies.Decided,
        extensions={"x-codes": EDGE},
    )
    def archive(self, request: Request, version: str) -> Response:
        """Put aside a version that does not serve."""
        return self._decided(registry.archive_version, version)

    @extend_schema(
        operation_id="reject_model",
        request=bodies.Decide,
        responses=bodies.Decided,
        extensions={"x-codes": [*EDGE, "pinned_by_environment"]},
    )
    def reject(self, request: Request, version: str) -> Response:
        """Keep a version from ever serving. Nothing leads back from here."""
        return self._decided(registry.reject_version, version)

    @extend_schema(
        operation_id="roll_back_model",
        request=bodies.DecideFamilies,
        responses=bodies.Served,
        extensions={"x-codes": [*SERVING, "nothing_to_roll_back_to", "model_not_serving"]},
    )
    def rollback(self, request: Request, version: str) -> Response:
        """Let what served before this version serve again, once it has been verified."""
        body = self._body(bodies.DecideFamilies)
        registry.take_back(
            version=version, families=body.get("families", ()), decision=self._decision(body)
        )
        return self._serving(version)

    def _body(self, kind: type[bodies.Decide]) -> dict[str, Any]:
        """What is not there is said before what is wrong with the body."""
        self.get_object()
        return kind.read(self.request.data)

    def _decided(self, service: Callable[..., ModelVersion], version: str) -> Response:
        body = self._body(bodies.Decide)
        row = service(version=version, decision=self._decision(body))
        return Response(bodies.decided(row))

    def _decision(self, body: dict[str, Any]) -> Decision:
        waiver = body.get("waiver", "")
        if waiver and not self.caller.may(Capability.MODELS_WAIVE):
            raise errors.Forbidden("Gates are waived by the platform's administrators alone.")
        return Decision(self.caller.actor, body["reason"], waiver)

    def _serving(self, version: str) -> Response:
        # Under a key the answer is kept in the transaction of what it tells of.
        is_kept = idempotency.HEADER in self.request.headers
        heard = reloading.hear_later() if is_kept else reloading.hear()
        return Response(bodies.served(registry.version_named(version), heard))
