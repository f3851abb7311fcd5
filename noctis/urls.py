"""Every address of the platform."""

from django.contrib import admin
from django.urls import include, path

from inference import urls as inference_urls
from noctis import docs, health, static
from recordings import urls as recordings_urls

# An address is looked for from the top.
urlpatterns = [
    path("v1/", include([*recordings_urls.hot, *inference_urls.hot])),
    path("v1/", include(recordings_urls)),
    path("v1/", include(inference_urls)),
    path("", docs.landing, name="landing"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("v1/", include("tenants.urls")),
    path("v1/", include("devices.urls")),
    path("v1/", include("mlops.urls")),
    path("internal/", include("operations.urls")),
    path("v1/openapi.json", docs.document, name="openapi"),
    path("v1/docs", docs.Reference.as_view(), name="reference"),
    path("v1/problems", docs.all_problems, name="problems"),
    path("v1/problems/<id:code>", docs.one_problem, name="problem"),
    path("console/", admin.site.urls),
    path("static/<path:path>", static.serve, name="static"),
]

handler400 = "noctis.http.bad_request"
handler403 = "noctis.http.forbidden"
handler404 = "noctis.http.not_found"
handler500 = "noctis.http.server_error"
