"""Epochs into the table: one statement a batch, arrays in PostgreSQL's own binary form."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection

from noctis.db.arrays import PackedFloats, PackedInts
from recordings.batches import EpochBatch

# The lock puts a recording's batches in order, and their times of receipt with them.
LOCK = """
SELECT night.id, device_id, started_at, device.uuid,
       greatest(clock_timestamp(), last_epoch_received_at + interval '1 microsecond')
FROM recordings_recording night JOIN devices_device device ON device.id = device_id
WHERE night.tenant_id = %b AND night.uuid = %b AND night.status <> 'erasing' FOR UPDATE OF night
"""

INSERT = """
WITH added AS (
    INSERT INTO recordings_epoch (tenant_id, recording_id, epoch_start_ts, received_at, device_id,
                                  epoch_index, schema_id, features)
    SELECT %(tenant)b, %(recording)b, %(started_at)b + i * interval '30 seconds', %(at)b,
           %(device)b, i, %(schema)b, sent.f[(n - 1) * %(width)b + 1 : n * %(width)b]
    FROM (SELECT %(features)b AS f) AS sent, unnest(%(index)b) WITH ORDINALITY AS epoch (i, n)
    ON CONFLICT DO NOTHING RETURNING 1
), counted AS (
    SELECT count(*)::int AS n FROM added
), night AS (
    UPDATE recordings_recording
    SET epoch_count = epoch_count + counted.n,
        last_index = CASE WHEN counted.n = 0 THEN last_index
                          ELSE greatest(last_index, %(last)b) END,
        last_epoch_received_at = CASE WHEN counted.n = 0 THEN last_epoch_received_at
                                      ELSE %(at)b END,
        last_heard_at = %(at)b,
        updated_at = %(at)b,
        status = CASE WHEN counted.n > 0 AND status = 'staged' THEN 'closed' ELSE status END
    FROM counted WHERE id = %(recording)b
), device AS (
    UPDATE devices_device SET last_seen_at = %(at)b
    WHERE id = %(device)b
      AND (last_seen_at IS NULL OR last_seen_at < %(at)b - interval '30 seconds')
)
SELECT n FROM counted
"""

CONTRADICTED = """
SELECT i FROM (SELECT %(features)b AS f) AS sent,
     unnest(%(index)b) WITH ORDINALITY AS epoch (i, n)
JOIN recordings_epoch stored ON stored.tenant_id = %(tenant)b
    AND stored.recording_id = %(recording)b
    AND stored.epoch_start_ts = %(started_at)b + i * interval '30 seconds'
WHERE stored.schema_id <> %(schema)b
   OR stored.features <> sent.f[(n - 1) * %(width)b + 1 : n * %(width)b]
ORDER BY i
"""


@dataclass(frozen=True)
class Locked:
    """A recording whose row is ours until commit."""

    id: int
    device_id: int
    started_at: datetime
    device_uuid: UUID
    at: datetime


def lock(tenant_id: int, recording_uuid: UUID) -> Locked | None:
    """Take a recording's row for this transaction; None where the tenant has no such recording."""
    row = cursor().execute(LOCK, [tenant_id, recording_uuid]).fetchone()
    return Locked(*row) if row else None


def insert(tenant_id: int, night: Locked, schema_id: int, batch: EpochBatch) -> int:
    """Add what is not there yet, keep the counters, and say how many epochs were new."""
    row = cursor().execute(INSERT, values_of(tenant_id, night, schema_id, batch)).fetchone()
    return int(row[0]) if row else 0


def contradicted(tenant_id: int, night: Locked, schema_id: int, batch: EpochBatch) -> list[int]:
    """The indices that are stored with other values than the batch's."""
    values = values_of(tenant_id, night, schema_id, batch)
    return [index for (index,) in cursor().execute(CONTRADICTED, values)]


def values_of(tenant_id: int, night: Locked, schema_id: int, batch: EpochBatch) -> dict[str, Any]:
    return {
        "tenant": tenant_id,
        "recording": night.id,
        "device": night.device_id,
        "started_at": night.started_at,
        "at": night.at,
        "schema": schema_id,
        "width": batch.features.shape[1],
        "index": PackedInts.of(batch.index),
        "features": PackedFloats.of(batch.features),
        "last": int(batch.index[-1]),
    }


def cursor() -> psycopg.Cursor[Any]:
    """psycopg's own cursor: Django's binds on the client, which doubles the cost of arrays."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)
