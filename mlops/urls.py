"""The routes of models' quality."""

from typing import Any

from django.urls import path

from mlops.api import datasets, drift, evaluation, experiments, gates, lineage, replays, retrainings

MANY: dict[str, Any] = {"get": "list", "post": "create"}
ONE: dict[str, Any] = {"get": "retrieve"}

urlpatterns = [
    path("datasets", datasets.Datasets.as_view(MANY)),
    path("datasets/<id:id>", datasets.Datasets.as_view(ONE)),
    path("datasets/<id:id>/nights", datasets.Datasets.as_view({"get": "nights"})),
    path("experiments", experiments.Experiments.as_view(MANY)),
    path("experiments/<id:id>", experiments.Experiments.as_view(ONE)),
    path("experiments/<id:id>/runs", experiments.ExperimentRuns.as_view(MANY)),
    path("experiments/<id:id>/runs/<id:run>", experiments.ExperimentRuns.as_view(ONE)),
    path("models/<id:version>/lineage", lineage.ModelLineage.as_view(ONE)),
    path("predictions/<id:id>/lineage", lineage.PredictionLineage.as_view(ONE)),
    path("retrainings", retrainings.Retrainings.as_view(MANY)),
    path("retrainings/<id:id>", retrainings.Retrainings.as_view(ONE)),
    path(
        "model/evaluation/global",
        evaluation.ModelEvaluation.as_view({"get": "retrieve"}),
    ),
    path(
        "models/<id:version>/gates",
        gates.ModelGates.as_view({"get": "retrieve", "post": "judge"}),
    ),
    path("replays", replays.Replays.as_view({"get": "list", "post": "create"})),
    path("replays/<id:id>", replays.Replays.as_view({"get": "retrieve"})),
    path("replays/<id:id>:cancel", replays.Replays.as_view({"post": "cancel"})),
    path("model/drift", drift.ModelDrift.as_view({"get": "retrieve"})),
    path(
        "recordings/<id:id>/evaluation",
        evaluation.RecordingEvaluation.as_view({"get": "retrieve"}),
    ),
]
