"""Epochs into the table: one round trip a batch, arrays in PostgreSQL's own binary form."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection

from noctis.db.arrays import PackedFloats, PackedInts
from recordings.batches import EpochBatch
from recordings.grid import TOLERANCE_S

# recordings/sql/append_epochs.sql says what it does.
APPEND = """
SELECT verdict, started_at, added, named FROM noctis_append_epochs(
    %(tenant)b::integer, %(recording)b, %(device)b::uuid, %(schema)b::smallint,
    %(width)b::integer, %(index)b, %(features)b, %(earliest)b::double precision,
    %(latest)b::double precision, %(tolerance)b::double precision, %(oldest)b)
"""


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
    started_at: datetime
    added: int
    named: list[int] | None


def append(place: Place, batch: EpochBatch) -> Answer:
    """Add what is not there yet. Outside a transaction, the answer means committed."""
    row = cursor().execute(APPEND, values_of(place, batch)).fetchone()
    assert row is not None  # a function answers one row
    return Answer(*row)


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


def cursor() -> psycopg.Cursor[Any]:
    """psycopg's own cursor: Django's binds on the client, which doubles the cost of arrays."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)
