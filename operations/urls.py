"""The routes of upkeep, for the platform's own people."""

from django.urls import path

from operations.api import storage

urlpatterns = [
    path("timescale/policies", storage.Storage.as_view({"get": "policies"})),
    path("timescale/dry-run", storage.Storage.as_view({"post": "dry_run"})),
    path("timescale/apply", storage.Storage.as_view({"post": "apply"})),
]
