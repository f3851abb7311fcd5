"""`/v1/datasets`: snapshots of labelled nights, asked for and looked at."""

from functools import partial

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from mlops import tasks
from mlops.api.scopes import check_scope
from mlops.bodies import datasets as bodies
from mlops.models import Dataset, DatasetNight
from mlops.services import datasets
from tenants.roles import Capability
from tenants.viewsets import PAGING, OwnedViewSet


class Datasets(OwnedViewSet):
    policy = {
        "list": Capability.MODELS_READ,
        "retrieve": Capability.MODELS_READ,
        "nights": Capability.MODELS_READ,
        "create": Capability.EXPERIMENTS_WRITE,
    }
    parameters = {"list": PAGING, "nights": PAGING}
    queryset = Dataset.objects.select_related("schema")

    @extend_schema(operation_id="list_datasets", responses=bodies.Dataset(many=True))
    def list(self, request: Request) -> Response:
        """The tenant's snapshots, newest first."""
        return self.page(bodies.dataset)

    @extend_schema(operation_id="get_dataset", responses=bodies.Dataset)
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """One snapshot: how far it is, what is in it, what its file must hash to."""
        return Response(bodies.dataset(self.get_object()))

    @extend_schema(
        operation_id="create_dataset",
        request=bodies.NewDataset,
        responses={202: bodies.Dataset},
        extensions={"x-codes": ["schema_not_trained"]},
    )
    def create(self, request: Request) -> Response:
        """Ask for a snapshot; a worker builds it. The same rows give the same file."""
        wanted = bodies.criteria(bodies.NewDataset.read(request.data))
        check_scope(self.caller, wanted.scope)
        row = datasets.ask_for_dataset(
            tenant=self.caller.tenant, criteria=wanted, actor=self.caller.actor
        )
        # Robust: the row is the job, and the sweep finds it should the broker be away.
        transaction.on_commit(partial(tasks.build_dataset.delay, row.pk), robust=True)
        at = f"/v1/datasets/{row.uuid}"
        return Response(bodies.dataset(row), 202, headers={"Location": at})

    @extend_schema(operation_id="list_dataset_nights", responses=bodies.DatasetNight(many=True))
    def nights(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """The tenant's own nights in a snapshot; those of others are only counted in it."""
        found = DatasetNight.objects.filter(
            dataset=self.get_object(), night_tenant=self.caller.tenant
        )
        self.keyset = "id"
        return self.page(bodies.dataset_night, found.select_related("recording"))
