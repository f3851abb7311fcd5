"""Ground truth of a night: versions in, versions out."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from noctis.filters import described, narrowed
from recordings.bodies import labels as bodies
from recordings.models import LabelSet, Recording
from recordings.services import labels as services
from tenants.roles import Capability
from tenants.viewsets import PAGING, OwnedViewSet


class RecordingLabels(OwnedViewSet):
    policy = {"list": Capability.LABELS_READ, "create": Capability.LABELS_WRITE}
    parameters = {"list": PAGING | frozenset(bodies.FILTERS)}
    queryset = Recording.objects.all()
    keyset = "version"
    repeatable = frozenset({"create"})

    @extend_schema(
        operation_id="list_labels",
        parameters=described(bodies.FILTERS),
        responses=bodies.LabelVersion(many=True),
    )
    def list(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """The scorings of a night, newest first."""
        owned: Any = LabelSet.objects.owned_by(self.caller.tenant)
        rows = owned.filter(recording=self.get_object())
        return self.page(bodies.labels, narrowed(rows, bodies.FILTERS, request.query_params))

    @extend_schema(
        operation_id="add_labels",
        request=bodies.NewLabels,
        responses={200: bodies.LabelVersion, 201: bodies.LabelVersion},
    )
    def create(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """Keep a scoring as the next version.

        200 and the version that is there when the scorer said the same before."""
        recording = self.get_object()
        scoring = bodies.scoring(bodies.NewLabels.read(request.data))
        row, is_new = services.add_labels(recording=recording, scoring=scoring)
        at = f"/v1/recordings/{recording.uuid}/labels?version={row.version}"
        answer = bodies.labels(row)
        return Response(answer, 201, headers={"Location": at}) if is_new else Response(answer)
