"""Epochs into the table: one round trip a batch, arrays in PostgreSQL's own binary form."""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection
from psycopg.adapt import Transformer

from noctis.db.arrays import PackedFloats, PackedInts
from noctis.db.prepared import Prepared
from recordings.batches import EpochBatch
from recordings.grid import TOLERANCE_S

# recordings/sql/append_epochs.sql says what it does.
APPEND = """
SELECT verdict, added, started_at, named FROM noctis_append_epochs(
    %(tenant)b::integer, %(recording)b, %(device)b::uuid, %(schema)b::smallint,
    %(width)b::integer, %(index)b, %(features)b, %(earliest)b::double precision,
    %(latest)b::double precision, %(tolerance)b::double precision, %(oldest)b)
"""


_PREPARED = Prepared(
    "append_epochs",
    "SELECT verdict, added, started_at, named"
    " FROM noctis_append_epochs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    # integer, uuid, uuid, smallint, integer, integer[], real[], 3 x double precision, timestamptz
    (23, 2950, 2950, 21, 23, 1007, 1021, 701, 701, 701, 1184),
)
_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INT2, _INT4, _INT8, _FLOAT8 = (struct.Struct(f">{code}").pack for code in "hiqd")


@dataclass(frozen=True)
class Place:
    """Where a batch goes: a tenant's recording, by its one device if one is named."""

    tenant_id: int
    recording_uuid: UUID
    device_uuid: UUID | None
    schema_id: int
    oldest: datetime


@dataclass(frozen=True)
class Answer:
    """What the database says: 'ok' and how many were new, or why nothing was written."""

    verdict: str
    added: int
    started_at: datetime | None = None  # the night's, where the verdict is about its grid
    named: list[int] | None = None


def append(place: Place, batch: EpochBatch) -> Answer:
    """Add what is not there yet. Outside a transaction, the answer means committed."""
    if connection.in_atomic_block:
        row = cursor().execute(APPEND, values_of(place, batch)).fetchone()
        assert row is not None  # a function answers one row
        return Answer(*row)
    connection.ensure_connection()
    session: psycopg.Connection = connection.connection
    result = _PREPARED.answer(session, packed_values_of(place, batch))
    added = result.get_value(0, 1)
    if added is not None:
        return Answer("ok", int.from_bytes(added, "big"))
    loader = Transformer(session)
    loader.set_pgresult(result)
    return Answer(*loader.load_rows(0, 1, tuple)[0])


def values_of(place: Place, batch: EpochBatch) -> dict[str, Any]:
    earliest, latest = batch.origins
    return {
        "tenant": place.tenant_id,
        "recording": place.recording_uuid,
        "device": place.device_uuid,
        "schema": place.schema_id,
        "width": batch.features.shape[1],
        "index": PackedInts.of(batch.index),
        "features": PackedFloats.of(batch.features),
        "earliest": earliest,
        "latest": latest,
        "tolerance": float(TOLERANCE_S),
        "oldest": place.oldest,
    }


def packed_values_of(place: Place, batch: EpochBatch) -> list[bytes | None]:
    """The same in PostgreSQL's binary form, in the function's order."""
    earliest, latest = batch.origins
    return [
        _INT4(place.tenant_id),
        place.recording_uuid.bytes,
        None if place.device_uuid is None else place.device_uuid.bytes,
        _INT2(place.schema_id),
        _INT4(batch.features.shape[1]),
        PackedInts.of(batch.index).raw,
        PackedFloats.of(batch.features).raw,
        None if earliest is None else _FLOAT8(earliest),
        None if latest is None else _FLOAT8(latest),
        _FLOAT8(TOLERANCE_S),
        _INT8((place.oldest - _POSTGRES_EPOCH) // _MICROSECOND),
    ]


def cursor() -> psycopg.Cursor[Any]:
    """psycopg's own cursor: Django's binds on the client, which doubles the cost of arrays."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)
