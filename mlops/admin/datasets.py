"""Data sets in the console: what is in each snapshot, and training on it."""

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from inference.admin import model_sheets
from mlops.admin import training_actions as actions
from mlops.admin.job_columns import LOG, NONE, PROGRESS, STATE, link
from mlops.models import Dataset, TrainingRun
from recordings.stages import SHOWN
from tenants.admin.access import TenantPage
from tenants.console import TenantFilter, facts, instant
from tenants.console.found import FoundByUuid
from tenants.roles import Capability

MOST_NIGHTS = 50
TenantPage.also_offer(actions.BUILD, actions.RETRAIN)


@admin.register(Dataset)
class DatasetPage(FoundByUuid):
    """Snapshots of labelled nights: what models are fitted to, and who judges them."""

    change_form_template = "admin/job.html"
    reads = Capability.MODELS_READ
    menu = "Models"
    place = 60
    plural = "Data sets"
    empty = "No snapshot yet. A tenant's page builds one, and so does manage.py dataset build."
    named_actions = (actions.TRAIN, actions.BUILD_AGAIN)
    related = (("Training runs", TrainingRun, "dataset__id__exact", "pk"),)
    list_display = [
        "__str__",
        "tenant",
        "scope",
        STATE,
        "labels",
        "nights",
        "people",
        instant("created_at", "asked for"),
    ]
    list_filter = [TenantFilter, "status", "scope"]
    list_select_related = ["tenant", "schema"]
    search_fields = ["checksum__exact", "file_sha256__exact"]
    search_help_text = "An id, a checksum, or a file's hash."
    fields = [
        "uuid",
        "tenant",
        "scope",
        STATE,
        "error",
        PROGRESS,
        "labels",
        facts("criteria", "criteria"),
        "nights",
        "split",
        "people",
        "epochs",
        "copies",
        "stages",
        "schema",
        "checksum",
        "file_sha256",
        "file_bytes",
        instant("withdrawn_at", "withdrawn"),
        "members",
        LOG,
        "requested_by",
        instant("created_at", "asked for"),
    ]
    readonly_fields = ["labels", "split", "stages", "members"]

    @admin.display(description="labels")
    def labels(self, row: Dataset) -> SafeString | str:
        told = ", ".join(row.label_sources)
        if not row.has_made_up_labels:
            return told
        return format_html('{} <span class="pill is-degraded">made up</span>', told)

    @admin.display(description="to fit, held out")
    def split(self, row: Dataset) -> str:
        return f"{row.fit_nights} nights to fit, {row.held_out_nights} held out, of other people"

    @admin.display(description="scored epochs")
    def stages(self, row: Dataset) -> SafeString | str:
        known = {name: of for name, of in row.stage_counts.items() if isinstance(of, dict)}
        rows = [[name, *(f"{of.get(stage, 0):,}" for stage in SHOWN)] for name, of in known.items()]
        return model_sheets.table(("part", *SHOWN), rows) if rows else NONE

    @admin.display(description="its nights")
    def members(self, row: Dataset) -> SafeString | str:
        """Whoever reaches a tenant's snapshot reaches its nights; of everybody's she may not."""
        if row.scope == row.Scope.PLATFORM:
            return f"{row.nights} nights of several tenants"
        found = list(row.members.select_related("recording").order_by("id")[:MOST_NIGHTS])
        lines = (
            (link(one.recording), "held out" if one.is_held_out else "to fit") for one in found
        )
        more = "" if row.nights <= len(found) else f"and {row.nights - len(found)} more"
        listed = format_html_join("", "<li>{} {}</li>", lines)
        return (
            format_html(
                "<details><summary>{} nights</summary><ul>{}</ul>{}</details>",
                row.nights,
                listed,
                more,
            )
            if found
            else NONE
        )
