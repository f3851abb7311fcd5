"""The routes of models' quality."""

from django.urls import path

from mlops.api import evaluation

urlpatterns = [
    path(
        "recordings/<id:id>/evaluation",
        evaluation.RecordingEvaluation.as_view({"get": "retrieve"}),
    ),
]
