"""`/v1/models/{version}/…`: what becomes of a version, decided by a person with a reason."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from inference.bodies import decisions as bodies
from inference.models import ModelVersion
from inference.services import pins, registry, reloading
from inference.services.model_events import Decision
from inference.services.pins import Place
from inference.services.reloading import Reloaded
from noctis import errors
from noctis.views import Continued
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet

EDGE = ["illegal_transition"]
SERVING = [*EDGE, "pinned_by_environment", "pass_not_offered", "model_not_loadable"]
PUTTING_ASIDE = [*EDGE, "pinned_by_tenant"]
PINNING = ["pinned_by_environment", "pass_not_offered", "model_not_validated"]
OF_ALL = ("validate", "promote", "archive", "reject", "rollback")
OF_ONE = ("pin", "unpin")
Told = dict[str, Any]
ACTIONS = (*OF_ALL, *OF_ONE)


class ModelDecisions(ApiViewSet, GenericViewSet[Any]):
    """The actor is the token's. Deciding again what is so already changes nothing."""

    policy = dict.fromkeys(OF_ALL, Capability.MODELS_PROMOTE) | dict.fromkeys(
        OF_ONE, Capability.MODELS_PIN
    )
    repeatable = frozenset(ACTIONS) - {"rollback", "unpin"}
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

        Says which processes have loaded it, once it is committed."""
        body = self._body(bodies.Promote)
        registry.serve_version(
            version=version, families=body.get("families", ()), decision=self._decision(body)
        )
        return self._serving(version)

    @extend_schema(
        operation_id="archive_model",
        request=bodies.Decide,
        responses=bodies.Decided,
        extensions={"x-codes": PUTTING_ASIDE},
    )
    def archive(self, request: Request, version: str) -> Response:
        """Put aside a version that does not serve."""
        return self._decided(registry.archive_version, version)

    @extend_schema(
        operation_id="reject_model",
        request=bodies.Decide,
        responses=bodies.Decided,
        extensions={"x-codes": [*PUTTING_ASIDE, "pinned_by_environment"]},
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

    @extend_schema(
        operation_id="pin_model",
        request=bodies.Pin,
        responses=bodies.Decided,
        extensions={"x-codes": PINNING},
    )
    def pin(self, request: Request, version: str) -> Response:
        """Have a version serve your own tenant in a family, whatever is promoted for the others."""
        return self._chosen(pins.pin_version, version)

    @extend_schema(
        operation_id="unpin_model",
        request=bodies.Pin,
        responses=bodies.Decided,
        extensions={"x-codes": ["model_not_pinned"]},
    )
    def unpin(self, request: Request, version: str) -> Response:
        """Have your tenant served again by what serves everybody."""
        return self._chosen(pins.unpin_version, version)

    def _chosen(self, service: Callable[..., ModelVersion], version: str) -> Response:
        body = self._body(bodies.Pin)
        place = Place(self.caller.tenant, body["family"])
        row = service(version=version, place=place, decision=self._decision(body))
        told = bodies.decided(row, pins.pinned_by(self.caller.tenant))
        return self._heard(told, lambda _: told)

    def _body(self, kind: type[bodies.Decide]) -> dict[str, Any]:
        """What is not there is said before what is wrong with the body."""
        self.get_object()
        return kind.read(self.request.data)

    def _decided(self, service: Callable[..., ModelVersion], version: str) -> Response:
        body = self._body(bodies.Decide)
        row = service(version=version, decision=self._decision(body))
        return Response(bodies.decided(row, pins.pinned_by(self.caller.tenant)))

    def _decision(self, body: dict[str, Any]) -> Decision:
        waiver = body.get("waiver", "")
        if waiver and not self.caller.may(Capability.MODELS_WAIVE):
            raise errors.Forbidden("Gates are waived by the platform's administrators alone.")
        return Decision(self.caller.actor, body["reason"], waiver)

    def _serving(self, version: str) -> Response:
        row, own = registry.version_named(version), pins.pinned_by(self.caller.tenant)
        told = bodies.served(row, own, reloading.unheard())
        return self._heard(told, lambda heard: told | bodies.heard(heard))

    def _heard(self, told: Told, then: Callable[[Reloaded], Told]) -> Response:
        """Nobody can hear of a decision before it is committed."""
        return Continued(told, then=lambda: Response(then(reloading.hear())))
