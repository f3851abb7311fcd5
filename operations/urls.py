"""The routes of upkeep, for the platform's own people."""

from django.urls import path

from operations.api import audits, faults, monitoring, storage, stress

urlpatterns = [
    path("faults", faults.Faults.as_view({"get": "faults"})),
    path("faults/enable", faults.Faults.as_view({"post": "enable"})),
    path("faults/disable", faults.Faults.as_view({"post": "disable"})),
    path("performance", monitoring.Monitoring.as_view({"get": "performance"})),
    path("performance/stats", monitoring.Monitoring.as_view({"get": "statistics"})),
    path("audit/report", audits.Audits.as_view({"get": "report"})),
    path("stress/run", stress.Stress.as_view({"post": "run"})),
    path("stress/runs/<id:id>", stress.Stress.as_view({"get": "retrieve"})),
    path("monitoring/summary", monitoring.Monitoring.as_view({"get": "summary"})),
    path("timescale/policies", storage.Storage.as_view({"get": "policies"})),
    path("timescale/dry-run", storage.Storage.as_view({"post": "dry_run"})),
    path("timescale/apply", storage.Storage.as_view({"post": "apply"})),
]
