"""The console on how the platform is: every part at one look, and how fast it is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from noctis import charts, histograms, metrics
from noctis.charts import Caption, Series, Threshold
from noctis.models import Traffic
from operations import statements
from operations.services import monitoring, performance
from tenants.console import ConsoleSite, StandingPage
from tenants.console.shown import UTC_ZONE, moment
from tenants.roles import Capability

MINUTES = 60
Row = tuple[Any, ...]


def summary(_request: HttpRequest) -> dict[str, Any]:
    """Every part with its state as a word, and what was seen of it."""
    found = monitoring.summary(at=timezone.now())
    parts = [
        {
            "name": part.name,
            "state": part.state,
            "facts": [_fact(name, value) for name, value in part.facts.items()],
        }
        for part in found.parts
    ]
    return {"at": moment(found.at, UTC_ZONE), "state": found.state, "parts": parts}


def _fact(name: str, value: Any) -> tuple[str, Any]:
    """The unit stands behind the value and not in the name."""
    if name.endswith("bytes") and value is not None:
        words, told = name.removesuffix("bytes") or "size", f"{value / 1e6:,.1f} MB"
    elif name.endswith(("_s", "_ms")) and value is not None:
        words, _dash, unit = name.rpartition("_")
        told = f"{value} {unit}"
    else:
        words, told = name.removeprefix("is_"), _told(value)
    return words.replace("_", " ").strip(), told


def _told(value: Any) -> Any:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return moment(value, UTC_ZONE)
    if isinstance(value, list):
        return ", ".join(map(str, map(_told, value))) or _("none")
    if isinstance(value, dict):
        return ", ".join(f"{name} {_told(known)}" for name, known in value.items()) or _("none")
    return _("none") if value is None else value


def speed(_request: HttpRequest) -> dict[str, Any]:
    """Numbers of all processes and of each, the last hour as charts, the server's own counts."""
    at = timezone.now()
    found = performance.performance(at=at)
    return {
        "found": found,
        "memory_mb": round(found.memory_bytes / 1e6),
        "hit_rate": None if found.cache_hit_rate is None else round(100 * found.cache_hit_rate),
        "processes": [_process(row) for row in found.processes],
        "charts": _drawn(at),
        "slow": statements.slowest(),
        "server": statements.server(),
        "tables": [(row, round(row.bytes / 1e6, 1)) for row in statements.tables()],
    }


def _process(row: performance.Process) -> dict[str, Any]:
    uptime = None if row.uptime_s is None else str(timedelta(seconds=round(row.uptime_s)))
    memory = None if row.memory_bytes is None else round(row.memory_bytes / 1e6)
    return {"row": row, "uptime": uptime, "memory_mb": memory}


def _drawn(at: datetime) -> list[SafeString]:
    """Minute by minute; one that was not sampled is a gap."""
    start = at.replace(second=0, microsecond=0) - timedelta(minutes=MINUTES)
    spans = Traffic.objects.filter(minutes=Traffic.MINUTE, at__gte=start)
    rows = {row[0]: row for row in spans.values_list("at", "predicting", "committing", "epochs")}
    minutes = [start + timedelta(minutes=nth) for nth in range(MINUTES)]
    known = [rows.get(minute) for minute in minutes]
    names = [f"{minute:%H:%M}" for minute in minutes]
    return [
        _latency(names, known),
        _commits(names, known),
        charts.line(
            Caption(_("Epochs a second"), _("New ones, of all devices, minute by minute.")),
            Series(names, {"epochs": [row and row[3] / 60 for row in known]}, "/s"),
        ),
    ]


def _latency(names: Sequence[str], known: Sequence[Row | None]) -> SafeString:
    caption = Caption(
        _("Answers with predictions"),
        _("Percentiles of each minute, of all processes together. UTC."),
        _("No prediction was asked for in the last hour."),
    )
    limit = Threshold(_("objective of p95"), settings.SLO_INFERENCE_P95_MS)
    values = _percentiles(known, 1, metrics.INFERENCE_BUCKETS)
    return charts.line(caption, Series(names, values, "ms", limit))


def _commits(names: Sequence[str], known: Sequence[Row | None]) -> SafeString:
    caption = Caption(
        _("Commits of batches"),
        _("Percentiles of each minute, of all processes together. UTC."),
        _("No batch came in the last hour."),
    )
    limit = Threshold(_("objective of p95"), settings.SLO_DB_COMMIT_P95_MS)
    values = _percentiles(known, 2, metrics.COMMIT_BUCKETS)
    return charts.line(caption, Series(names, values, "ms", limit))


def _percentiles(
    known: Sequence[Row | None], place: int, bounds_s: Sequence[float]
) -> dict[str, list[float | None]]:
    bounds_ms = [1000 * bound for bound in bounds_s]
    return {
        f"p{share}": [
            histograms.percentile(row[place], bounds_ms, share / 100) if row else None
            for row in known
        ]
        for share in (50, 95, 99)
    }


SITE = cast(ConsoleSite, admin.site)
SITE.stand(
    StandingPage(
        name="monitoring",
        label="Monitoring",
        says="Every part of the platform, and how it is.",
        menu="Reliability",
        reads=Capability.PLATFORM_READ,
        shown=summary,
        place=10,
    )
)
SITE.stand(
    StandingPage(
        name="performance",
        label="Performance",
        says="How fast it is: all processes together, and each.",
        menu="Reliability",
        reads=Capability.PLATFORM_READ,
        shown=speed,
        place=11,
    )
)
