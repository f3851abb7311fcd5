"""Retrainings in the console: why each was asked for, how far it is, and its candidate."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mlops.admin.job_columns import LOG, NONE, PROGRESS, STATE, TOOK, link
from mlops.admin.promotions import promotion
from mlops.models import Retraining
from tenants.console import TenantFilter, instant
from tenants.console.found import FoundByUuid
from tenants.roles import Capability


@admin.register(Retraining)
class RetrainingPage(FoundByUuid):
    """New candidates asked for by drift, by a regression or by a person; nothing serves by them."""

    change_form_template = "admin/job.html"
    reads = Capability.MODELS_READ
    menu = "Models"
    place = 63
    plural = "Retrainings"
    empty = "None yet. Drift that lasts opens one, and so does a tenant's page."
    list_display = [
        "__str__",
        "tenant",
        "family",
        "cause",
        STATE,
        PROGRESS,
        "candidate",
        instant("created_at", "asked for"),
        instant("finished_at", "ended"),
    ]
    list_filter = [TenantFilter, "status", "family", "cause"]
    list_select_related = ["tenant", "run__version", "dataset", "drift_run"]
    fields = [
        "uuid",
        "tenant",
        "scope",
        "family",
        "cause",
        "reason",
        "because_of",
        STATE,
        "error",
        PROGRESS,
        "on_dataset",
        "by_run",
        "candidate",
        LOG,
        TOOK,
        "requested_by",
        instant("created_at", "asked for"),
        instant("finished_at", "ended"),
    ]
    readonly_fields = ["because_of", "on_dataset", "by_run", "candidate"]

    @admin.display(description="drift report")
    def because_of(self, row: Retraining) -> SafeString | str:
        return link(row.drift_run) if row.drift_run else NONE

    @admin.display(description="data set")
    def on_dataset(self, row: Retraining) -> SafeString | str:
        return link(row.dataset) if row.dataset else NONE

    @admin.display(description="run")
    def by_run(self, row: Retraining) -> SafeString | str:
        return link(row.run) if row.run else NONE

    @admin.display(description="candidate")
    def candidate(self, row: Retraining) -> SafeString | str:
        if row.run is None or row.run.version is None:
            return NONE
        version = row.run.version
        return format_html("{} ({}): {}", link(version), version.status, promotion(version))
