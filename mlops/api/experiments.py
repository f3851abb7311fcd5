"""`/v1/experiments` and the training runs in them."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from mlops import tasks
from mlops.api.scopes import check_scope
from mlops.bodies import experiments as bodies
from mlops.models import Dataset, Experiment, TrainingRun
from mlops.services import experiments
from tenants.roles import Capability
from tenants.viewsets import PAGING, OwnedViewSet


class Experiments(OwnedViewSet):
    policy = {
        "list": Capability.MODELS_READ,
        "retrieve": Capability.MODELS_READ,
        "create": Capability.EXPERIMENTS_WRITE,
    }
    parameters = {"list": PAGING}
    queryset = Experiment.objects.all()

    @extend_schema(operation_id="list_experiments", responses=bodies.Experiment(many=True))
    def list(self, request: Request) -> Response:
        """The tenant's experiments, newest first."""
        return self.page(bodies.experiment)

    @extend_schema(operation_id="get_experiment", responses=bodies.Experiment)
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """One experiment; its runs are a list of their own."""
        return Response(bodies.experiment(self.get_object()))

    @extend_schema(
        operation_id="create_experiment",
        request=bodies.NewExperiment,
        responses={201: bodies.Experiment},
        extensions={"x-codes": ["experiment_name_taken"]},
    )
    def create(self, request: Request) -> Response:
        """Start an experiment: a question, to which runs are added."""
        body = bodies.NewExperiment.read(request.data)
        row = experiments.open_experiment(
            tenant=self.caller.tenant, **body, actor=self.caller.actor
        )
        at = f"/v1/experiments/{row.uuid}"
        return Response(bodies.experiment(row), 201, headers={"Location": at})


class ExperimentRuns(OwnedViewSet):
    policy = {
        "list": Capability.MODELS_READ,
        "retrieve": Capability.MODELS_READ,
        "create": Capability.EXPERIMENTS_WRITE,
    }
    parameters = {"list": PAGING}
    queryset = TrainingRun.objects.select_related("experiment", "dataset")
    lookup_url_kwarg = "run"

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(experiment=self._experiment())

    def _experiment(self) -> Experiment:
        owned = Experiment.objects.owned_by(self.caller.tenant).select_related("tenant")
        found: Experiment = get_object_or_404(owned, uuid=self.kwargs["id"])
        return found

    @extend_schema(operation_id="list_runs", responses=bodies.Run(many=True))
    def list(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """The runs of an experiment, newest first."""
        return self.page(bodies.run)

    @extend_schema(operation_id="get_run", responses=bodies.DetailedRun)
    def retrieve(self, request: Request, id: str, run: str) -> Response:  # noqa: A002 - the route's
        """One run: how far it is, what it said, and what was found on the nights held out."""
        return Response(bodies.detailed_run(self.get_object()))

    @extend_schema(
        operation_id="create_run",
        request=bodies.NewRun,
        responses={202: bodies.Run},
        extensions={"x-codes": ["dataset_not_ready", "version_taken", "too_many_runs"]},
    )
    def create(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """Ask for a run; a worker fits it. What comes of it is a candidate and serves nothing."""
        experiment = self._experiment()
        body = bodies.NewRun.read(request.data)
        owned = Dataset.objects.owned_by(self.caller.tenant)
        dataset = get_object_or_404(owned, uuid=body["dataset_id"])
        check_scope(self.caller, dataset.scope)
        row = experiments.start_run(
            experiment=experiment, wanted=bodies.wanted(body, dataset), actor=self.caller.actor
        )
        transaction.on_commit(partial(tasks.work_run.delay, row.pk), robust=True)
        at = f"/v1/experiments/{experiment.uuid}/runs/{row.uuid}"
        return Response(bodies.run(row), 202, headers={"Location": at})
