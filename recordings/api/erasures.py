"""Erasure over HTTP: of a subject, and how far an erasure is."""

from functools import partial

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from recordings import tasks
from recordings.bodies import erasures as bodies
from recordings.models import Erasure
from recordings.services import erasure
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet, OwnedViewSet


class Subjects(ApiViewSet):
    policy = {"erase": Capability.ERASE}
    repeatable = frozenset({"erase"})

    @extend_schema(operation_id="erase_subject", request=None, responses={202: bodies.Erasure})
    def erase(self, request: Request, subject: str) -> Response:
        """Erase every night of a subject, and the pseudonym with them."""
        due = erasure.erase_subject(
            tenant=self.caller.tenant, subject=subject, actor=self.caller.actor
        )
        return accepted(due)


class Erasures(OwnedViewSet):
    policy = {"retrieve": Capability.ERASE}
    queryset = Erasure.objects.all()

    @extend_schema(operation_id="get_erasure", responses=bodies.Erasure)
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """How far an erasure is; the counts are final when its status is `done`."""
        return Response(bodies.erasure(self.get_object()))


def accepted(due: Erasure) -> Response:
    """Wake a worker and say where the job is found."""
    # Robust: the row is the job, and the sweep finds it should the broker be away.
    transaction.on_commit(partial(tasks.erase.delay, due.pk), robust=True)
    return Response(bodies.erasure(due), 202, headers={"Location": f"/v1/erasures/{due.uuid}"})
