"""The console on objectives: how each stands over its windows, and how that went."""

from collections.abc import Callable
from datetime import timedelta

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from noctis import charts
from noctis.charts import Caption, Series, Threshold
from operations.models import Objective
from operations.objectives import BY_NAME, WINDOWS
from tenants.console import PlatformPage, instant, pill
from tenants.console.shown import Column
from tenants.roles import Capability

SHOWN = timedelta(hours=24)
COLUMNS = 96


def told(value: float | None, unit: str) -> str:
    """A value as people read it; a share in percent."""
    if value is None:
        return _("unknown")
    return f"{value:.3g} ms" if unit == "ms" else f"{100 * value:.3g} %"


def window(name: str) -> Column:
    """One window of an objective: its value, how much of the budget is gone, and the verdict."""

    @admin.display(description=f"over {name}")
    def shown(row: Objective) -> SafeString | str:
        known = row.now.get(name)
        if not known or known["is_met"] is None:
            return _("nothing happened")
        word = _("met") if known["is_met"] else _("missed")
        return format_html(
            '{} <span class="pill is-{}">{}</span> <small>{}</small>',
            told(known["value"], BY_NAME[row.name].unit),
            "done" if known["is_met"] else "failed",
            word,
            _("%(spent).0f %% of its budget spent") % {"spent": 100 * known["spent"]},
        )

    return shown


STATE = pill("is_broken", "state", {True: "broken", False: "not broken"})


@admin.register(Objective)
class ObjectivePage(PlatformPage):
    """What the platform promises, and whether it keeps it."""

    reads = Capability.PLATFORM_READ
    menu = "Reliability"
    place = 12
    plural = "Objectives"
    empty = "Nothing was evaluated yet: a worker does so once a minute."
    list_display = ["__str__", "says", "wanted", *(window(name) for name in WINDOWS), STATE]
    fields = [
        "name",
        "says",
        "wanted",
        STATE,
        *(window(name) for name in WINDOWS),
        instant("evaluated_at", "evaluated"),
        "values",
        "budget",
    ]
    readonly_fields = ["says", "wanted", "values", "budget"]

    class Media:
        css = {"all": ["noctis/charts.css"]}

    @admin.display(description="objective")
    def says(self, row: Objective) -> str:
        return BY_NAME[row.name].says

    @admin.display(description="target", ordering="target")
    def wanted(self, row: Objective) -> str:
        aim = BY_NAME[row.name]
        most = _("at most %(value)s") if aim.is_upper else _("at least %(value)s")
        return f"{most % {'value': told(row.target, aim.unit)}} ({aim.setting})"

    @admin.display(description="values")
    def values(self, row: Objective) -> SafeString:
        aim = BY_NAME[row.name]
        scale, unit = (1, "ms") if aim.unit == "ms" else (100, "%")
        caption = Caption(
            _("Measured over the last 24 hours"),
            _("Each window as it was at the end of a quarter of an hour, and the target. UTC."),
            _("Nothing happened in the last 24 hours."),
        )
        limit = Threshold(_("target"), scale * row.target)
        return _line(row, caption, lambda value, _: value and scale * value, (unit, limit))

    @admin.display(description="error budget")
    def budget(self, row: Objective) -> SafeString:
        caption = Caption(
            _("Error budget spent"),
            _("Of each window's budget; above 100 % more went wrong than the objective allows."),
            _("Nothing happened in the last 24 hours."),
        )
        limit = Threshold(_("all of it"), 100)
        return _line(
            row, caption, lambda _, spent: None if spent is None else 100 * spent, ("%", limit)
        )


Number = float | None


def _line(
    row: Objective,
    caption: Caption,
    of: Callable[[Number, Number], Number],
    scale: tuple[str, Threshold],
) -> SafeString:
    step, start = SHOWN / COLUMNS, row.evaluated_at - SHOWN
    values: dict[str, list[Number]] = {name: [None] * COLUMNS for name in WINDOWS}
    kept = row.readings.filter(at__gt=start).order_by("at")
    # The last of each column stays.
    for name, at, value, spent in kept.values_list("window", "at", "value", "spent"):
        values[name][min((at - start) // step, COLUMNS - 1)] = of(value, spent)
    unit, limit = scale
    names = [f"{start + (nth + 1) * step:%H:%M}" for nth in range(COLUMNS)]
    return charts.line(caption, Series(names, values, unit, limit))
