"""Experiments and training runs in the console: what was tried, and how good it is."""

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from inference.admin import model_sheets
from mlops.admin.job_columns import LOG, NONE, PROGRESS, STATE, TOOK, link
from mlops.models import Experiment, TrainingRun
from tenants.console import TenantFilter, facts, instant
from tenants.console.found import FoundByUuid
from tenants.roles import Capability

MOST_RUNS = 20
RUN_HEAD = ("run", "state", "κ held out", "recipe", "data set")


def kappa_of(run: TrainingRun) -> str:
    known = run.metrics.get("figures", {}).get("this model", {}).get("kappa")
    return NONE if known is None else f"{known:.2f}"


@admin.register(Experiment)
class ExperimentPage(FoundByUuid):
    """Questions, and the training runs that answer them."""

    reads = Capability.MODELS_READ
    menu = "Models"
    place = 61
    plural = "Experiments"
    empty = "No experiment yet. Train on a data set, and name one."
    related = (("Training runs", TrainingRun, "experiment__id__exact", "pk"),)
    list_display = ["name", "tenant", "description", instant("created_at", "opened")]
    list_filter = [TenantFilter]
    list_select_related = ["tenant"]
    search_fields = ["name"]
    fields = [
        "name",
        "uuid",
        "tenant",
        "description",
        "created_by",
        instant("created_at", "opened"),
        "runs",
    ]
    readonly_fields = ["runs"]

    class Media:
        css = {"all": ["noctis/charts.css"]}

    @admin.display(description="newest runs")
    def runs(self, row: Experiment) -> SafeString | str:
        """Side by side: which of them is the best, and on what."""
        owned = TrainingRun.objects.owned_by(row.tenant_id).filter(experiment=row)
        found = owned.select_related("dataset").order_by("-id")[:MOST_RUNS]
        rows = [
            (link(run), run.status, kappa_of(run), run.recipe, link(run.dataset)) for run in found
        ]
        return model_sheets.table(RUN_HEAD, rows) if rows else "None yet: train on a data set."


@admin.register(TrainingRun)
class TrainingRunPage(FoundByUuid):
    """Fits of a recipe to a data set: how far, how good beside what serves, what came of them."""

    change_form_template = "admin/job.html"
    reads = Capability.MODELS_READ
    menu = "Models"
    place = 62
    plural = "Training runs"
    empty = "No run yet. Train on a data set."
    list_display = [
        "version_name",
        "tenant",
        "in_experiment",
        STATE,
        PROGRESS,
        "kappa",
        "recipe",
        TOOK,
        instant("created_at", "asked for"),
    ]
    list_filter = [
        TenantFilter,
        "status",
        "family",
        ("experiment", admin.RelatedOnlyFieldListFilter),
        ("dataset", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["tenant", "experiment", "dataset", "version"]
    search_fields = ["version_name"]
    fields = [
        "version_name",
        "uuid",
        "tenant",
        STATE,
        "error",
        PROGRESS,
        "candidate",
        "in_experiment",
        "on_dataset",
        "recipe",
        "family",
        "seed",
        facts("hyperparameters", "hyperparameters"),
        "code_revision",
        "judged",
        LOG,
        TOOK,
        "requested_by",
        "request_id",
        instant("created_at", "asked for"),
    ]
    readonly_fields = ["candidate", "in_experiment", "on_dataset", "judged"]

    class Media:
        css = {"all": ["noctis/charts.css"]}

    @admin.display(description="κ held out")
    def kappa(self, row: TrainingRun) -> str:
        return kappa_of(row)

    @admin.display(description="candidate")
    def candidate(self, row: TrainingRun) -> SafeString | str:
        if row.version is None:
            return NONE
        return format_html("{} ({})", link(row.version), row.version.status)

    @admin.display(description="experiment", ordering="experiment__name")
    def in_experiment(self, row: TrainingRun) -> SafeString:
        return link(row.experiment)

    @admin.display(description="data set")
    def on_dataset(self, row: TrainingRun) -> SafeString:
        return link(row.dataset)

    @admin.display(description="judged")
    def judged(self, row: TrainingRun) -> SafeString | str:
        """By the nights held out; of each of the others why it was not, if so."""
        known = row.metrics
        if "figures" not in known:
            return NONE
        told = model_sheets.scores({f"{known['nights']}": known["figures"]})
        notes = [f"{name} {why}." for name, why in known.get("unjudged", {}).items()]
        if known.get("left_out"):
            notes.append(f"{known['left_out']} nights left out: one of the others knows them.")
        lines = format_html_join("", "<p>{}</p>", ((note,) for note in notes))
        return format_html("{}{}", told, lines)
