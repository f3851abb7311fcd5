"""What the overview reads: one statement a subject, from the tenants that its reader reaches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet

from devices.models import Device, is_silent
from noctis.dashboard.ranges import Window
from noctis.models import Traffic
from tenants.models import ServiceClientKey
from tenants.models.client import ENDS_SOON
from tenants.services.clients import LATELY

Tenants = Sequence[int]
Row = tuple[Any, ...]
MOST_WAITING = 10_000
MOST_KEYS = 6

NIGHTS = """
SELECT greatest(floor(extract(epoch FROM started_at - %(since)s) / %(step_s)s), -1)::int AS place,
       count(*), coalesce(sum(epoch_count), 0)
FROM recordings_recording
WHERE tenant_id = ANY(%(tenants)s) AND started_at >= %(before)s AND started_at < %(until)s
  AND status <> 'erasing'
GROUP BY place
"""
# A night that was staged anew counts once, as it was staged last.
STAGED = """
SELECT place, disposition, count(*), sum((minutes ->> 'W')::float),
       sum((minutes ->> 'Light')::float), sum((minutes ->> 'Deep')::float),
       sum((minutes ->> 'REM')::float)
FROM (SELECT DISTINCT ON (recording_id) disposition,
             greatest(floor(extract(epoch FROM staged_at - %(since)s) / %(step_s)s), -1)::int
               AS place,
             statistics -> 'minutes_by_stage' AS minutes
      FROM inference_hypnogram
      WHERE tenant_id = ANY(%(tenants)s) AND staged_at >= %(before)s AND staged_at < %(until)s
      ORDER BY recording_id, id DESC) AS night
GROUP BY place, disposition
"""
STAGING = """
SELECT (SELECT count(*) FROM (
          SELECT FROM recordings_recording
          WHERE status = 'closed' AND tenant_id = ANY(%(tenants)s) LIMIT %(most)s) AS due),
       (SELECT min(ended_at) FROM recordings_recording
        WHERE status = 'closed' AND tenant_id = ANY(%(tenants)s)),
       (SELECT count(*) FROM inference_stagingattempt
        WHERE failure <> '' AND tenant_id = ANY(%(tenants)s)),
       (SELECT coalesce(json_agg(json_build_array(place.family, version.version,
                 version.metadata #> '{drift_reference,stages}') ORDER BY place.family), '[]')
        FROM inference_serving place JOIN inference_modelversion version
          ON version.id = place.version_id),
       (SELECT coalesce(json_agg(json_build_array(severity, is_alarm)), '[]') FROM (
          SELECT DISTINCT ON (run.tenant_id) run.severity, run.is_alarm
          FROM mlops_driftrun run JOIN inference_serving place
            ON place.version_id = run.model_id AND place.family = 'night'
          WHERE run.tenant_id = ANY(%(tenants)s)
          ORDER BY run.tenant_id, run.id DESC) AS newest)
"""
PLATFORM = """
SELECT (SELECT max(finished_at) FROM operations_backup WHERE outcome = 'done'),
       (SELECT outcome FROM operations_backup ORDER BY id DESC LIMIT 1),
       (SELECT outcome FROM operations_restoration ORDER BY id DESC LIMIT 1),
       (SELECT count(*) FROM operations_storagepolicy WHERE last_error <> ''),
       (SELECT count(*) FROM noctis_taskoutcome WHERE is_failed),
       (SELECT min(created_at) FROM tenants_tenant),
       pg_database_size(current_database()),
       (SELECT coalesce(json_agg(name ORDER BY name), '[]')
        FROM operations_objective WHERE is_broken)
"""


@dataclass(frozen=True)
class Platform:
    backed_up_at: datetime | None
    backup: str | None
    restore: str | None
    policies_failing: int
    tasks_failing: int
    began_at: datetime | None
    size_bytes: int
    broken_objectives: list[str]


@dataclass(frozen=True)
class Staging:
    """`serving`: family, version, and each stage's share in that version's training; `drift`: of
    each tenant's newest comparison the severity, and whether it lasts."""

    waiting: int
    oldest: datetime | None
    failing: int
    serving: list[tuple[str, str, dict[str, float] | None]]
    drift: list[tuple[str, bool]]


def nights(window: Window, tenants: Tenants) -> list[Row]:
    """Column, nights begun, epochs that came of them."""
    return _asked(NIGHTS, window, tenants)


def staged(window: Window, tenants: Tenants) -> list[Row]:
    """Column, disposition, nights, minutes awake, light, deep and REM."""
    return _asked(STAGED, window, tenants)


def _asked(statement: str, window: Window, tenants: Tenants) -> list[Row]:
    values: dict[str, Any] = {
        "tenants": list(tenants),
        "since": window.since,
        "before": window.before,
        "until": window.until,
        "step_s": window.range.step.total_seconds(),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def staging(tenants: Tenants) -> Staging:
    """Nights that wait, as far as anybody would count; failed tries; and what serves."""
    with connection.cursor() as cursor:
        cursor.execute(STAGING, {"tenants": list(tenants), "most": MOST_WAITING})
        return Staging(*cursor.fetchone())


def platform() -> Platform:
    """The installation's own state, in one row."""
    with connection.cursor() as cursor:
        cursor.execute(PLATFORM)
        return Platform(*cursor.fetchone())


def traffic(window: Window) -> list[Traffic]:
    """The spans of the window and of the one before."""
    spans = Traffic.objects.filter(minutes=window.range.span_min)
    return list(spans.filter(at__gte=window.before, at__lt=window.until).order_by("at"))


def devices(tenants: Tenants, at: datetime) -> dict[str, int]:
    owned = Device.objects.filter(tenant__in=tenants)
    active = Count("pk", filter=Q(status=Device.Status.ACTIVE))
    found: dict[str, int] = owned.aggregate(active=active, silent=Count("pk", filter=is_silent(at)))
    return found


def keys_due(tenants: Tenants, at: datetime) -> list[ServiceClientKey]:
    """Keys that end within days, the first to end first.

    One that retires as it was told to, and that nobody uses any more, is nobody's business."""
    accepted: QuerySet[ServiceClientKey] = ServiceClientKey.objects.accepted(at)
    is_used = Q(last_used_at__gte=at - LATELY)
    due = accepted.filter(tenant__in=tenants, expires_at__lt=at + ENDS_SOON)
    due = due.filter(Q(state=ServiceClientKey.State.ACTIVE) | is_used)
    return list(due.select_related("client", "tenant").order_by("expires_at")[:MOST_KEYS])
