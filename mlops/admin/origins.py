"""Where a version comes from, on its page: run, experiment, data set; and back from a night."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from inference.admin.models import ModelPage
from inference.models import ModelVersion
from mlops.models import Job
from mlops.services import lineage


@admin.display(description="where this comes from")
def origin(row: ModelVersion) -> SafeString | str:
    """Without links: the page of a version is everybody's, and its run is one tenant's."""
    run = lineage.run_of(version=row)
    if run is None:
        return "Made by a command, or shipped. Its card says of which nights."
    dataset = run.dataset
    whose = "everybody's nights" if run.scope == Job.Scope.PLATFORM else "one tenant's nights"
    return format_html(
        "Training run {}, recipe {}, of snapshot {} ({}): {} nights to fit, {} held out. "
        "Its list of training runs has it for those who may look.",
        run.uuid,
        run.recipe,
        dataset.uuid,
        whose,
        dataset.fit_nights,
        dataset.held_out_nights,
    )


ModelPage.also_show(origin)
