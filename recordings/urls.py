"""The routes of nights; a colon verb is a literal part of its path."""

from django.urls import path

from recordings.api import epochs_read, erasures, ingest, labels, nights, schemas

# Looked for before every other address of the platform.
hot = [path("epochs:ingest", ingest.Ingest.as_view({"post": "ingest"}))]
urlpatterns = [
    path("epochs:ingest-device", ingest.Ingest.as_view({"post": "ingest_device"})),
    path("recordings", nights.Recordings.as_view({"get": "list", "post": "create"})),
    path("recordings:start", nights.Recordings.as_view({"post": "start"})),
    path("recordings/<id:id>", nights.Recordings.as_view({"get": "retrieve", "delete": "erase"})),
    path("recordings/<id:id>:close", nights.Recordings.as_view({"post": "close"})),
    path("subjects/<id:subject>", erasures.Subjects.as_view({"delete": "erase"})),
    path("erasures/<id:id>", erasures.Erasures.as_view({"get": "retrieve"})),
    path("recordings/<id:id>/epochs", epochs_read.RecordingEpochs.as_view({"get": "list"})),
    path(
        "recordings/<id:id>/labels",
        labels.RecordingLabels.as_view({"get": "list", "post": "create"}),
    ),
    path("feature-schemas", schemas.FeatureSchemas.as_view({"get": "list"})),
    path("feature-schemas/<id:version>", schemas.FeatureSchemas.as_view({"get": "retrieve"})),
]
