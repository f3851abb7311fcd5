"""The routes of models' quality."""

from django.urls import path

from mlops.api import drift, evaluation

urlpatterns = [
    path(
        "model/evaluation/global",
        evaluation.ModelEvaluation.as_view({"get": "retrieve"}),
    ),
    path("model/drift", drift.ModelDrift.as_view({"get": "retrieve"})),
    path(
        "recordings/<id:id>/evaluation",
        evaluation.RecordingEvaluation.as_view({"get": "retrieve"}),
    ),
]
