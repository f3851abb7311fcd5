"""`/v1/replays`: nights staged anew by versions that are named, and what came of it."""

from functools import partial

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from mlops import tasks
from mlops.bodies import replays as bodies
from mlops.models import Replay
from mlops.services import replays
from tenants.roles import Capability
from tenants.viewsets import PAGING, OwnedViewSet


class Replays(OwnedViewSet):
    policy = {
        "list": Capability.PREDICTIONS_READ,
        "retrieve": Capability.PREDICTIONS_READ,
        "create": Capability.EXPERIMENTS_WRITE,
        "cancel": Capability.EXPERIMENTS_WRITE,
    }
    repeatable = frozenset({"cancel"})
    parameters = {"list": PAGING}
    queryset = Replay.objects.select_related("first", "second")

    @extend_schema(operation_id="list_replays", responses=bodies.ReplayBody(many=True))
    def list(self, request: Request) -> Response:
        """The tenant's replays, newest first."""
        return self.page(bodies.replay)

    @extend_schema(operation_id="get_replay", responses=bodies.DetailedReplay)
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """How far a replay is, and once it has ended its report."""
        return Response(bodies.detailed_replay(self.get_object()))

    @extend_schema(
        operation_id="create_replay",
        request=bodies.NewReplay,
        responses={201: bodies.ReplayBody},
        extensions={
            "x-codes": [
                "model_not_found",
                "pass_not_offered",
                "nothing_to_replay",
                "replay_too_large",
            ]
        },
    )
    def create(self, request: Request) -> Response:
        """Stage closed nights anew by one version or two, beside what was stored and the truth.

        A job over any number of nights; nothing that serves or was staged changes."""
        body = bodies.NewReplay.read(request.data)
        row = replays.request_replay(
            tenant=self.caller.tenant,
            versions=body["model_versions"],
            nights=bodies.nights_of(self.caller.tenant, body),
            is_stored=body["store"],
            actor=self.caller.actor,
        )
        transaction.on_commit(partial(tasks.replay_due.delay), robust=True)
        return Response(bodies.replay(row), 201, headers={"Location": f"/v1/replays/{row.uuid}"})

    @extend_schema(
        operation_id="cancel_replay",
        request=None,
        responses=bodies.DetailedReplay,
        extensions={"x-codes": ["replay_ended"]},
    )
    def cancel(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """End a replay as far as it is; its report is of the nights that were done."""
        row = replays.cancel_replay(replay=self.get_object(), actor=self.caller.actor)
        return Response(bodies.detailed_replay(row))
