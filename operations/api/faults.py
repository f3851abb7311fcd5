"""`/internal/faults`: what fails on purpose. Never struck itself, so that it can be ended."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from operations.bodies import faults as bodies
from operations.services import faults
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet


class Faults(ApiViewSet):
    policy = {
        "faults": Capability.PLATFORM,
        "enable": Capability.PLATFORM,
        "disable": Capability.PLATFORM,
    }
    is_spared = True

    @extend_schema(operation_id="get_faults", responses=bodies.Faults)
    def faults(self, request: Request) -> Response:
        """The faults that are on now, and whether any may be switched on here."""
        return Response(bodies.listed(faults.on_now()))

    @extend_schema(
        operation_id="enable_fault",
        request=bodies.EnableFault,
        responses=bodies.FaultOut,
        extensions={"x-codes": ["faults_disabled"]},
    )
    def enable(self, request: Request) -> Response:
        """Switch a fault on in every process, within a second, until its end; audited."""
        body = bodies.EnableFault.read(request.data)
        reason, actor = body["reason"], self.caller.actor
        row = faults.enable_fault(wanted=bodies.wanted(body), actor=actor, reason=reason)
        return Response(bodies.fault(row))

    @extend_schema(
        operation_id="disable_faults", request=bodies.DisableFaults, responses=bodies.Faults
    )
    def disable(self, request: Request) -> Response:
        """Switch one kind off, or all; audited. Answers what is still on."""
        body = bodies.DisableFaults.read(request.data)
        kinds = [body["kind"]] if "kind" in body else bodies.KINDS
        faults.disable_faults(kinds=kinds, actor=self.caller.actor, reason=body["reason"])
        return Response(bodies.listed(faults.on_now()))
