"""The routes of models, predictions and staged nights; a colon verb is part of its path."""

from django.urls import path

from inference.api import hypnograms

urlpatterns = [
    path(
        "recordings/<id:id>/hypnogram",
        hypnograms.RecordingHypnogram.as_view({"get": "retrieve"}),
    ),
    path("recordings/<id:id>/summary", hypnograms.RecordingSummary.as_view({"get": "retrieve"})),
]
