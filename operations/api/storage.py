"""`/internal/timescale`: how storage stands, what would change, and doing exactly that."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from operations.bodies import storage as bodies
from operations.services import policies, status
from operations.services.policies import Decision
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet


class Storage(ApiViewSet):
    policy = {
        "policies": Capability.PLATFORM,
        "dry_run": Capability.PLATFORM,
        "apply": Capability.PLATFORM,
    }
    repeatable = frozenset({"apply"})

    @extend_schema(operation_id="get_storage_policies", responses=bodies.StoragePolicies)
    def policies(self, request: Request) -> Response:
        """Every policy as it is on this edition: who does it, how that went, what is next."""
        return Response(bodies.status(status.status()))

    @extend_schema(operation_id="plan_storage", request=None, responses=bodies.StoragePlan)
    def dry_run(self, request: Request) -> Response:
        """What the settings would change of the actual state, and what would go by that."""
        plan = policies.plan()
        return Response(bodies.plan(plan, status.going(plan=plan, at=timezone.now())))

    @extend_schema(
        operation_id="apply_storage",
        request=bodies.ApplyPlan,
        responses=bodies.AppliedPlan,
        extensions={"x-codes": ["plan_stale"]},
    )
    def apply(self, request: Request) -> Response:
        """Do exactly what a dry run said, audited; another plan by now is refused."""
        body = bodies.ApplyPlan.read(request.data)
        decision = Decision(self.caller.actor, body.get("reason", ""))
        return Response(bodies.applied(policies.apply(plan_hash=body["plan"], decision=decision)))
