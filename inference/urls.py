"""The routes of models, predictions and staged nights; a colon verb is part of its path."""

from django.urls import path

from inference.api import decisions, hypnograms, models, predict, predictions

# Looked for before every other address of the platform.
hot = [path("predict", predict.Predict.as_view({"post": "predict"}))]
urlpatterns = [
    path("models", models.Models.as_view({"get": "list"})),
    path("models/reload", models.Models.as_view({"post": "reload"})),
    path("models/<id:version>", models.Models.as_view({"get": "retrieve"})),
    *(
        path(f"models/<id:version>/{action}", decisions.ModelDecisions.as_view({"post": action}))
        for action in decisions.ACTIONS
    ),
    path("predictions/<id:id>", predictions.Predictions.as_view({"get": "retrieve"})),
    path("predictions/<id:id>/explanation", predictions.Predictions.as_view({"get": "explain"})),
    path(
        "recordings/<id:id>/predictions",
        predictions.RecordingPredictions.as_view({"get": "list"}),
    ),
    path(
        "recordings/<id:id>/hypnogram",
        hypnograms.RecordingHypnogram.as_view({"get": "retrieve"}),
    ),
    path("recordings/<id:id>/summary", hypnograms.RecordingSummary.as_view({"get": "retrieve"})),
]
