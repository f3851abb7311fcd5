"""The platform's routes, and the naive peer beside them."""

from django.urls import path

from bench.naive import NaiveIngest
from noctis.urls import handler400, handler403, handler404, handler500
from noctis.urls import urlpatterns as platform

__all__ = ["handler400", "handler403", "handler404", "handler500"]

urlpatterns = [*platform, path("bench/naive", NaiveIngest.as_view({"post": "ingest"}))]
