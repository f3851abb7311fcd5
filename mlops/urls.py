"""The routes of models' quality."""

from django.urls import path

from mlops.api import drift, evaluation, gates

urlpatterns = [
    path(
        "model/evaluation/global",
        evaluation.ModelEvaluation.as_view({"get": "retrieve"}),
    ),
    path(
        "models/<id:version>/gates",
        gates.ModelGates.as_view({"get": "retrieve", "post": "judge"}),
    ),
    path("model/drift", drift.ModelDrift.as_view({"get": "retrieve"})),
    path(
        "recordings/<id:id>/evaluation",
        evaluation.RecordingEvaluation.as_view({"get": "retrieve"}),
    ),
]
