"""`/v1/retrainings`: a new candidate of a family, asked for by a person or by rows."""

from functools import partial

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from mlops import tasks
from mlops.api.scopes import check_scope
from mlops.bodies import retrainings as bodies
from mlops.models import Retraining
from mlops.services import retraining, retraining_causes
from mlops.services.retraining import Why
from tenants.roles import Capability
from tenants.viewsets import PAGING, OwnedViewSet


class Retrainings(OwnedViewSet):
    policy = {
        "list": Capability.MODELS_READ,
        "retrieve": Capability.MODELS_READ,
        "create": Capability.EXPERIMENTS_WRITE,
    }
    parameters = {"list": PAGING}
    queryset = Retraining.objects.select_related("drift_run", "dataset", "run")

    @extend_schema(operation_id="list_retrainings", responses=bodies.Retraining(many=True))
    def list(self, request: Request) -> Response:
        """The tenant's retrainings, newest first."""
        return self.page(bodies.retraining)

    @extend_schema(operation_id="get_retraining", responses=bodies.Retraining)
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """One retraining: why, how far, and which candidate came of it."""
        return Response(bodies.retraining(self.get_object()))

    @extend_schema(
        operation_id="create_retraining",
        request=bodies.NewRetraining,
        responses={202: bodies.Retraining},
        extensions={"x-codes": ["retraining_under_way", "retraining_paused"]},
    )
    def create(self, request: Request) -> Response:
        """Ask for a new candidate of a family: a snapshot is built, a run fitted and judged."""
        body = bodies.NewRetraining.read(request.data)
        plan, caller = bodies.plan(body), self.caller
        check_scope(caller, plan.criteria.scope)
        alarm = retraining_causes.alarm_of(tenant=caller.tenant, family=plan.family)
        row = retraining.open_retraining(
            tenant=caller.tenant,
            plan=plan,
            why=Why(reason=body["reason"], drift_run=alarm),
            actor=caller.actor,
        )
        transaction.on_commit(partial(tasks.sweep_jobs.delay), robust=True)
        at = f"/v1/retrainings/{row.uuid}"
        return Response(bodies.retraining(row), 202, headers={"Location": at})
