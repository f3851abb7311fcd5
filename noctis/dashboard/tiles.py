"""The overview's tiles: a number, how it changed, how it went, and the list behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from noctis import charts
from noctis.broker import tasks_waiting
from noctis.charts import Caption
from noctis.dashboard.queries import Platform
from noctis.dashboard.reading import Reading, counted, failing, predicting
from tenants.console.shown import moment

UNKNOWN = "?"
MOST_FAILING_PCT = 1.0
Numbers = Sequence[float | None]


@dataclass(frozen=True)
class Tile:
    """`tone` is good, warn or alert where there is a limit; the words say the same."""

    label: str
    value: str
    url: str = ""
    change: str = ""
    note: SafeString | str = ""
    tone: str = ""
    trend: SafeString | str = ""


def of(reading: Reading) -> list[Tile]:
    tiles = [*_of_nights(reading)]
    if reading.traffic is not None:
        tiles += _of_traffic(reading)
    if reading.platform is not None:
        tiles += _of_platform(reading, reading.platform)
    return tiles


def _of_nights(reading: Reading) -> Iterator[Tile]:
    done = [row for row in reading.staged if row[1] == "staged"]
    hypnograms = reverse("admin:inference_hypnogram_changelist")
    nights = reverse("admin:recordings_recording_changelist")
    label = _("Nights staged")
    yield _counted_tile(reading, label, done, 2, f"{hypnograms}?disposition=staged")
    yield _counted_tile(reading, _("Epochs of nights begun"), reading.nights, 2, nights)
    yield _waiting(reading, nights)
    yield _silent(reading)
    yield _serving(reading)
    yield _drift(reading)


def _counted_tile(reading: Reading, label: str, rows: list[tuple], value: int, url: str) -> Tile:
    before, columns = reading.by_column(rows, value)
    now = sum(columns)
    trend = _trend(reading, label, columns) if before or now else ""
    return Tile(label, f"{now:,.0f}", url, _change(now, before), trend=trend)


def _trend(reading: Reading, label: str, columns: Numbers) -> SafeString:
    caption = Caption(label, _("In each column of the range."))
    return charts.sparkline(caption, reading.window.names, columns)


def _change(now: float, before: float) -> str:
    """Against the period before; of nothing there is no percentage."""
    if not before:
        return _("none in the period before") if now else ""
    return _("%(change)+.0f %% against the period before") % {"change": 100 * (now / before - 1)}


def _waiting(reading: Reading, nights: str) -> Tile:
    found = reading.staging
    oldest = moment(found.oldest, reading.window.zone) if found.oldest else ""
    return Tile(
        _("Nights waiting to be staged"),
        f"{found.waiting:,}",
        f"{nights}?status__exact=closed",
        note=SafeString(f"{_('the oldest ended')} {oldest}") if oldest else "",
        tone="alert" if found.failing else "",
    )


def _silent(reading: Reading) -> Tile:
    active, silent = reading.devices["active"], reading.devices["silent"]
    url = f"{reverse('admin:devices_device_changelist')}?heard=silent"
    note = _("of %(active)s active, silent for 36 hours or longer") % {"active": f"{active:,}"}
    return Tile(_("Devices silent"), f"{silent:,}", url, note=note, tone="warn" if silent else "")


def _serving(reading: Reading) -> Tile:
    url = reverse("admin:inference_modelversion_changelist")
    by_version: dict[str, list[str]] = {}
    for family, version, _shares in reading.staging.serving:
        by_version.setdefault(version, []).append(family)
    if not by_version:
        return Tile(_("Serving model"), _("none"), url, tone="alert")
    note = "; ".join(f"{version}: {', '.join(known)}" for version, known in by_version.items())
    return Tile(_("Serving model"), ", ".join(by_version), url, note=note)


# By how bad; what cannot be said is neither bad nor good.
DRIFT_TONES = {"HIGH": "alert", "MEDIUM": "warn", "insufficient_data": "", "LOW": "good"}


def _drift(reading: Reading) -> Tile:
    """The worst of the tenants' newest comparisons with what serves."""
    label, url = _("Drift"), reverse("admin:mlops_driftrun_changelist")
    found = [severity for severity, _is_alarm in reading.staging.drift]
    if not found:
        return Tile(label, UNKNOWN, url, note=_("no nights were compared with what serves"))
    worst = min(found, key=[*DRIFT_TONES].index)
    lasting = sum(bool(is_alarm) for _severity, is_alarm in reading.staging.drift)
    note = ngettext("in %(n)s tenant it lasts", "in %(n)s tenants it lasts", lasting)
    words = {"insufficient_data": _("too few nights")}
    told = note % {"n": lasting} if lasting else _("in no tenant does it last")
    return Tile(label, words.get(worst, worst), url, note=told, tone=DRIFT_TONES[worst])


def _of_traffic(reading: Reading) -> Iterator[Tile]:
    spans, earlier = reading.spans, reading.earlier
    if not spans:
        yield Tile(_("Requests"), UNKNOWN, note=_("no minute of this range was sampled"))
        return
    yield _errors(reading)
    yield _predictions(reading)
    refused, sent = counted(spans, "batches_refused"), counted(spans, "batches")
    yield Tile(
        _("Ingest batches refused"),
        f"{refused:,}",
        change=_change(refused, counted(earlier, "batches_refused")),
        note=_("of %(sent)s sent") % {"sent": f"{sent:,}"},
        tone="warn" if refused else "",
        trend=_trend(reading, _("Ingest batches refused"), _each(reading, "batches_refused")),
    )


def _each(reading: Reading, name: str) -> Numbers:
    return [counted(column, name) if column else None for column in reading.columns]


def _errors(reading: Reading) -> Tile:
    now = failing(reading.spans)
    before = failing(reading.earlier)
    told = _("%(before).2f %% in the period before") % {"before": before} if before else ""
    return Tile(
        _("Answers that failed"),
        UNKNOWN if now is None else f"{now:.2f} %",
        change=told,
        note=_("nobody asked") if now is None else _("of all answers of the API"),
        tone="alert" if (now or 0) > MOST_FAILING_PCT else "",
        trend=_trend(reading, _("Answers that failed"), [*map(failing, reading.columns)]),
    )


def _predictions(reading: Reading) -> Tile:
    p50, p95, p99 = (predicting(reading.spans, share) for share in (0.5, 0.95, 0.99))
    label = _("Predict p95")
    if p50 is None or p95 is None or p99 is None:
        return Tile(label, UNKNOWN, note=_("no prediction was asked for"))
    most = settings.SLO_INFERENCE_P95_MS
    told = {"p50": f"{p50:.3g}", "p99": f"{p99:.3g}", "most": f"{most:.0f}"}
    return Tile(
        label,
        f"{p95:.3g} ms",
        note=_("p50 %(p50)s ms, p99 %(p99)s ms; objective %(most)s ms") % told,
        tone="alert" if p95 > most else "good",
        trend=_trend(reading, label, [predicting(column, 0.95) for column in reading.columns]),
    )


def _jobs(queued: int | None, count: int) -> str:
    if queued is None:
        return _("the broker does not answer: no job starts")
    if not count:
        return _("every job ended well when it last ran")
    return ngettext("%(n)s job failed last", "%(n)s jobs failed last", count) % {"n": count}


def _of_platform(reading: Reading, found: Platform) -> Iterator[Tile]:
    queued = tasks_waiting()
    yield Tile(
        _("Tasks in the queue"),
        UNKNOWN if queued is None else f"{queued:,}",
        reverse("admin:noctis_taskoutcome_changelist"),
        note=_jobs(queued, found.tasks_failing),
        tone="alert" if queued is None or found.tasks_failing else "",
    )
    days = {"epochs": settings.EPOCHS_RETENTION_DAYS, "log": settings.PREDICTIONS_RETENTION_DAYS}
    yield Tile(
        _("Database"),
        f"{found.size_bytes / 1e6:,.0f} MB",
        reverse("admin:operations_storagepolicy_changelist"),
        note=_("epochs kept %(epochs)s days, predictions %(log)s") % days,
        tone="alert" if found.policies_failing else "",
    )
