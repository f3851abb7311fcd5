"""Epochs into the table: one statement a batch, arrays in PostgreSQL's own binary form."""

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray
from psycopg import pq
from psycopg.adapt import Buffer, Dumper

from recordings.batches import EpochBatch

_HEADER = struct.Struct(">iiIii")  # dimensions, has nulls, element type, length, lower bound
_INT4, _FLOAT4 = 23, 700

# The lock puts a recording's batches in order, and their times of receipt with them.
LOCK = """
SELECT id, device_id, started_at, status,
       greatest(clock_timestamp(), last_epoch_received_at + interval '1 microsecond')
FROM recordings_recording WHERE tenant_id = %s AND uuid = %s FOR UPDATE
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
    status: str
    at: datetime


@dataclass(frozen=True)
class Packed:
    """A one-dimensional array as PostgreSQL sends and takes it."""

    raw: bytes


class PackedInts(Packed):
    @classmethod
    def of(cls, values: NDArray[np.int32]) -> "PackedInts":
        return cls(_packed(values.ravel(), _INT4, ">i4"))


class PackedFloats(Packed):
    @classmethod
    def of(cls, values: NDArray[np.float32]) -> "PackedFloats":
        return cls(_packed(values.ravel(), _FLOAT4, ">f4"))


def _packed(values: NDArray[Any], element: int, kind: str) -> bytes:
    """Each element carries its length in front; numpy lays all of them out in one go."""
    body = np.empty(len(values), dtype=[("length", ">i4"), ("value", kind)])
    body["length"] = 4
    body["value"] = values
    return _HEADER.pack(1, 0, element, len(values), 1) + body.tobytes()


class _IntsDumper(Dumper):
    format = pq.Format.BINARY
    oid = 1007  # int4[]

    def dump(self, obj: Packed) -> Buffer:
        return obj.raw


class _FloatsDumper(_IntsDumper):
    oid = 1021  # float4[]


psycopg.adapters.register_dumper(PackedInts, _IntsDumper)
psycopg.adapters.register_dumper(PackedFloats, _FloatsDumper)


def lock(tenant_id: int, recording_uuid: str) -> Locked | None:
    """Take a recording's row for this transaction; None where the tenant has no such recording."""
    row = cursor().execute(LOCK, [tenant_id, recording_uuid]).fetchone()
    return Locked(*row) if row else None


def insert(tenant_id: int, night: Locked, schema_id: int, batch: EpochBatch) -> int:
    """Add what is not there yet, keep the counters, and say how many epochs were new."""
    row = cursor().execute(INSERT, _values(tenant_id, night, schema_id, batch)).fetchone()
    return int(row[0]) if row else 0


def contradicted(tenant_id: int, night: Locked, schema_id: int, batch: EpochBatch) -> list[int]:
    """The indices that are stored with other values than the batch's."""
    values = _values(tenant_id, night, schema_id, batch)
    return [index for (index,) in cursor().execute(CONTRADICTED, values)]


def _values(tenant_id: int, night: Locked, schema_id: int, batch: EpochBatch) -> dict[str, Any]:
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
