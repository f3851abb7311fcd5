"""What the days' summaries say. Never reads the rows that were summed up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from devices.models import Device
from recordings.models import Recording
from tenants.models import Tenant

# Which of a night's stagings counts is said by its newest hypnogram.
NIGHT_DAYS = """
SELECT night.uuid, summed.day, summed.predictions, summed.wake / 2.0, summed.light / 2.0,
       summed.deep / 2.0, summed.rem / 2.0, summed.mean_confidence
FROM recordings_recording night
JOIN LATERAL (
    SELECT model_id, input_hash FROM inference_hypnogram
    WHERE tenant_id = night.tenant_id AND recording_id = night.id
    ORDER BY id DESC LIMIT 1
) AS newest ON true
JOIN recording_daily_summary summed
  ON summed.tenant_id = night.tenant_id AND summed.recording_id = night.id
 AND summed.model_id = newest.model_id AND summed.input_hash = newest.input_hash
WHERE night.tenant_id = %(tenant)s AND night.id = ANY(%(recordings)s)
  AND night.status <> 'erasing'
ORDER BY night.id, summed.day
"""

DEVICE_DAYS = """
SELECT day, count(*), sum(epochs), sum(expected), sum(gaps),
       sum(heart_rate_sum) / nullif(sum(heart_rate_known), 0),
       sum(respiration_sum) / nullif(sum(respiration_known), 0),
       sum(movement_sum) / nullif(sum(movement_known), 0)
FROM device_daily_summary
WHERE tenant_id = %(tenant)s AND device_id = %(device)s
  AND day >= %(start)s AND day < %(end)s
GROUP BY day ORDER BY day
"""


@dataclass(frozen=True)
class NightDay:
    """What the production night pass made of one night on one UTC day."""

    recording: Any
    day: datetime
    predictions: int
    wake_min: float
    light_min: float
    deep_min: float
    rem_min: float
    mean_confidence: float


@dataclass(frozen=True)
class DeviceDay:
    """What came of one device on one UTC day; a mean is None where every value was a gap."""

    day: datetime
    nights: int
    epochs: int
    expected: int
    gaps: int
    heart_rate: float | None
    respiration: float | None
    movement: float | None


def days_of_nights(tenant: Tenant, recordings: list[Recording]) -> list[NightDay]:
    values = {"tenant": tenant.pk, "recordings": [recording.pk for recording in recordings]}
    return [NightDay(*_plain(row)) for row in _rows(NIGHT_DAYS, values)]


def days_of_device(device: Device, first: date, end: date) -> list[DeviceDay]:
    """The days from the first up to, and without, the end."""
    values = {"tenant": device.tenant_id, "device": device.pk, "start": first, "end": end}
    return [DeviceDay(row[0], *map(int, row[1:5]), *row[5:]) for row in _rows(DEVICE_DAYS, values)]


def _plain(row: tuple[Any, ...]) -> Iterator[Any]:
    yield from row[:3]
    yield from map(float, row[3:])


def _rows(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
