"""Nights for the benchmark of summaries: rows as ingest and staging leave them, made by the server.

Values are noise, so sizes and compression are nobody's figures here."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from devices.models import Device
from inference.models import ModelVersion
from recordings.models import FeatureSchema, Recording
from tenants.models import Tenant

NIGHT = 960
AT_ONCE = 500
PATTERNS = 997
# Drawn from, because drawing fifteen numbers for each of millions of rows is what would take long.
DRAWN = f"""
CREATE UNLOGGED TABLE bench_pattern AS
SELECT id, ARRAY(SELECT (random() * 100)::real FROM generate_series(1, 15) WHERE id >= 0)
       AS features
FROM generate_series(0, {PATTERNS - 1}) id
"""
EPOCHS = f"""
INSERT INTO recordings_epoch (tenant_id, recording_id, epoch_start_ts, received_at, device_id,
                              epoch_index, schema_id, features)
SELECT night.tenant_id, night.id, night.started_at + i * interval '30 seconds', now(),
       night.device_id, i, %(schema)s, pattern.features
FROM recordings_recording night, generate_series(%(first)s::integer, %(last)s::integer) i
JOIN bench_pattern pattern ON true
WHERE night.id = ANY(%(nights)s) AND pattern.id = (i * 7919 + night.id * 31) %% {PATTERNS}
"""
PREDICTIONS = """
INSERT INTO inference_prediction (tenant_id, recording_id, window_end_ts, model_id, role, pass,
    revision, epoch_index, stage, probabilities, confidence, input_hash, latency_us, request_id,
    created_at)
SELECT night.tenant_id, night.id, night.started_at + (i + 1) * interval '30 seconds', %(model)s,
       0, 1, 0, i, (i + night.id) %% 5, array_fill(0.2::real, ARRAY[5]), random()::real,
       decode(md5(night.id::text), 'hex'), 0, 'bench', now()
FROM recordings_recording night, generate_series(%(first)s::integer, %(last)s::integer) i
WHERE night.id = ANY(%(nights)s)
"""


def prepare() -> None:
    with connection.cursor() as cursor:
        cursor.execute(DRAWN)


def devices(tenant: Tenant, count: int) -> list[Device]:
    rows = [Device(tenant=tenant, name=f"bench {number}") for number in range(count)]
    return list(Device.objects.bulk_create(rows))


def nights(devices: Sequence[Device], start: datetime, *, days: int = 1) -> list[Recording]:
    """One night of each device on each day, with epochs and a production night pass."""
    rows = [
        _night(device, start + timedelta(days=day, seconds=30 * place))
        for day in range(days)
        for place, device in enumerate(devices)
    ]
    for first in range(0, len(rows), AT_ONCE):
        some = Recording.objects.bulk_create(rows[first : first + AT_ONCE])
        add(some, 0, NIGHT, is_staged=True)
    return rows


def add(some: Sequence[Recording], first: int, count: int, *, is_staged: bool = False) -> None:
    """Epochs come in, and the nights are no longer what was summed up of them."""
    values = {"nights": [night.pk for night in some], "first": first, "last": first + count - 1}
    with connection.cursor() as cursor:
        schema = FeatureSchema.objects.get(is_active=True).pk
        cursor.execute(EPOCHS, values | {"schema": schema})
        if is_staged:
            model = ModelVersion.objects.order_by("pk")[0].pk
            cursor.execute(PREDICTIONS, values | {"model": model})
    changed = Recording.objects.filter(pk__in=values["nights"])
    changed.update(updated_at=timezone.now(), epoch_count=first + count, last_index=first + count)


def _night(device: Device, started_at: datetime) -> Recording:
    return Recording(
        tenant_id=device.tenant_id,
        device=device,
        started_at=started_at,
        ended_at=started_at + timedelta(hours=8),
        night_on=started_at.date(),
        status=Recording.Status.STAGED,
        last_heard_at=started_at,
    )
