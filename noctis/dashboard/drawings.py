"""The overview's charts."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from django.conf import settings
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from noctis import charts
from noctis.charts import Caption, Series, Threshold
from noctis.dashboard.reading import Reading, counted, predicting
from noctis.models import Traffic
from recordings import stages

DISPOSITIONS = {
    "staged": "staged",
    "implausible": "implausible",
    "not_enough_epochs": "not enough epochs",
    "schema_mismatch": "schema mismatch",
}
Column = Sequence[Traffic]


def of(reading: Reading) -> list[SafeString]:
    """Those of requests only for whoever reads the installation as a whole."""
    own = [stage_mix(reading), dispositions(reading)]
    return own if reading.traffic is None else [requests(reading), latency(reading), *own]


def requests(reading: Reading) -> SafeString:
    caption = Caption(
        _("Requests by outcome"),
        _("Answers of the API in each column: taken, refused as the caller's fault, failed."),
        _("Nothing was counted in this range; traffic is sampled once a minute by a worker."),
    )
    names = {"answered": "answered", "refused": "refused", "failed": "failed"}
    values = {name: _each(reading, partial(_count, name)) for name in names}
    return charts.stacked_bars(caption, Series(reading.window.names, values))


def latency(reading: Reading) -> SafeString:
    caption = Caption(
        _("Latency of predictions"),
        _("How long answers with predictions took, out of the histogram of all processes."),
        _("No answer with a prediction was counted in this range."),
    )
    values = {
        f"p{share}": _each(reading, partial(_percentile, share / 100)) for share in (50, 95, 99)
    }
    limit = Threshold(_("objective of p95"), settings.SLO_INFERENCE_P95_MS)
    return charts.line(caption, Series(reading.window.names, values, "ms", limit))


def _count(name: str, column: Column) -> float:
    return counted(column, name)


def _percentile(share: float, column: Column) -> float | None:
    return predicting(column, share)


def _each(reading: Reading, told: Callable[[Column], float | None]) -> list[float | None]:
    return [told(column) if column else None for column in reading.columns]


def stage_mix(reading: Reading) -> SafeString:
    """The last column is what the serving model was trained on."""
    caption = Caption(
        _("Stage mix"),
        _("The share of each stage in nights that are plausible; the last column is the training."),
        _("No night was staged in this range."),
    )
    believed = [row for row in reading.staged if row[1] == "staged"]
    minutes = {
        name: reading.by_column(believed, 3 + place)[1] for place, name in enumerate(stages.SHOWN)
    }
    shares = _shares(minutes)
    if all(value is None for row in shares.values() for value in row):
        return charts.stacked_bars(caption, Series([], {}))
    columns, reference = list(reading.window.names), _reference(reading)
    if reference is not None:
        columns.append(_("training"))
        shares = {name: [*row, 100 * reference[name]] for name, row in shares.items()}
    return charts.stacked_bars(caption, Series(columns, shares, "%"))


def _shares(minutes: Mapping[str, Sequence[float]]) -> dict[str, list[float | None]]:
    """In percent of each column; a column without a night has none."""
    totals = [sum(column) for column in zip(*minutes.values(), strict=True)]
    return {
        name: [
            100 * value / total if total else None for value, total in zip(row, totals, strict=True)
        ]
        for name, row in minutes.items()
    }


def _reference(reading: Reading) -> dict[str, float] | None:
    known = {family: shares for family, _version, shares in reading.staging.serving}
    found = known.get("night")
    return found if found and set(stages.SHOWN) <= set(found) else None


def dispositions(reading: Reading) -> SafeString:
    caption = Caption(
        _("Nights by what became of them"),
        _("Nights in the column in which they were last staged, or could not be."),
        _("No night was staged in this range."),
    )
    values: dict[str, Sequence[float | None]] = {
        label: reading.by_column([row for row in reading.staged if row[1] == name], 2)[1]
        for name, label in DISPOSITIONS.items()
    }
    is_empty = not any(value for row in values.values() for value in row)
    series = Series([], {}) if is_empty else Series(reading.window.names, values)
    return charts.stacked_bars(caption, series)
