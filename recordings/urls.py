"""The routes of nights; a colon verb is a literal part of its path."""

from django.urls import path

from recordings.api import ingest

urlpatterns = [
    path("epochs:ingest", ingest.Ingest.as_view({"post": "ingest"})),
    path("epochs:ingest-device", ingest.Ingest.as_view({"post": "ingest_device"})),
]
