"""Epochs over time, read past the ORM: whole arrays in PostgreSQL's binary form, no row objects."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import pq
from psycopg.adapt import AdaptersMap, Buffer, Loader, Transformer

from noctis.db.prepared import Prepared
from recordings import grid, rows, streams
from recordings.models import Recording

# The aggregates of one group see its rows in one order, whichever it is.
BETWEEN = """
SELECT schema.version, jsonb_path_query_array(schema.features, '$[*].name'),
       array_agg(found.epoch_index), array_agg(found.features)
FROM (SELECT epoch_index, schema_id, features FROM recordings_epoch
      WHERE tenant_id = %(tenant)s AND recording_id = %(recording)s
        AND epoch_start_ts >= %(start)s AND epoch_start_ts < %(end)s
      ORDER BY epoch_start_ts LIMIT %(limit)s) AS found
JOIN recordings_featureschema AS schema ON schema.id = found.schema_id
GROUP BY schema.id
"""

ARRIVALS = """
SELECT date_trunc('hour', received_at), count(*), count(DISTINCT received_at),
       min(epoch_index), max(epoch_index),
       count(*) FILTER (WHERE received_at > epoch_start_ts + %(late)s::interval)
FROM recordings_epoch
WHERE tenant_id = %(tenant)s AND recording_id = %(recording)s
  AND epoch_start_ts >= %(start)s AND epoch_start_ts < %(end)s
GROUP BY 1 ORDER BY 1 DESC LIMIT %(most)s
"""
LATE_AFTER = timedelta(minutes=10)
MOST_ARRIVALS = 24

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Epochs:
    """Epochs of one recording in one schema, in index order."""

    version: str
    names: Sequence[str]
    index: Ints  # (epochs,)
    features: NDArray[np.float32]  # (epochs, features), NaN for a gap

    def starts(self, started_at: datetime) -> list[str]:
        origin = np.datetime64(started_at.replace(tzinfo=None), "us")
        return streams.instants(origin + self.index.astype("m8[s]") * grid.EPOCH_S)

    def rows(self, started_at: datetime) -> Iterator[dict[str, Any]]:
        """One plain row an epoch; a gap is NaN, which JSON spells null."""
        values = streams.shortest(self.features).tolist()
        starts = self.starts(started_at)
        for index, start, row in zip(self.index.tolist(), starts, values, strict=True):
            yield {
                "epoch_index": index,
                "epoch_start_ts": start,
                "feature_schema_version": self.version,
                "features": dict(zip(self.names, row, strict=True)),
            }

    def through(self, last: int) -> "Epochs":
        kept = self.index <= last
        return Epochs(self.version, self.names, self.index[kept], self.features[kept])

    def matrix(self, columns: Sequence[str]) -> NDArray[np.float64]:
        """(epochs, columns): a column that the schema does not have is a gap."""
        wide = np.full((len(self.index), len(columns)), np.nan)
        places = [place for place, name in enumerate(columns) if name in self.names]
        own = [self.names.index(columns[place]) for place in places]
        wide[:, places] = streams.shortest(self.features)[:, own]
        return wide


@dataclass(frozen=True)
class Span:
    """Which epochs of a recording: indices half-open, and how many at most."""

    first: int = 0
    end: int = grid.MAX_EPOCHS
    limit: int = grid.MAX_EPOCHS


@dataclass(frozen=True)
class Page:
    """The epochs of a span by schema, and whether the limit left some behind `last`."""

    found: list[Epochs]
    last: int
    has_more: bool


def epochs_within(recording: Recording, span: Span) -> Page:
    """The epochs of a span; one statement, so one state of the night."""
    values = {
        "tenant": recording.tenant_id,
        "recording": recording.pk,
        "start": grid.epoch_start(recording.started_at, span.first),
        "end": grid.epoch_start(recording.started_at, span.end),
        "limit": span.limit + 1,
    }
    found = [epochs_of(*row) for row in arrays(BETWEEN, values)]
    every = np.sort(np.concatenate([epochs.index for epochs in found] or [np.empty(0, int)]))
    if len(every) <= span.limit:
        return Page(found, -1, has_more=False)
    last = int(every[span.limit - 1])
    return Page([epochs.through(last) for epochs in found], last, has_more=True)


@dataclass(frozen=True)
class Arrival:
    """The epochs of a night that came within one hour of the clock, in how many batches."""

    hour: datetime
    epochs: int
    batches: int
    first: int
    last: int
    late: int


def arrivals_of(recording: Recording) -> list[Arrival]:
    """When a night's epochs came, newest hour first; of one that goes on coming, the last day."""
    values = {
        "tenant": recording.tenant_id,
        "recording": recording.pk,
        "start": recording.started_at,
        "end": grid.epoch_start(recording.started_at, grid.MAX_EPOCHS),
        "late": LATE_AFTER,
        "most": MOST_ARRIVALS,
    }
    return [Arrival(*row) for row in rows.cursor().execute(ARRIVALS, values).fetchall()]


def epochs_of(version: str, names: Sequence[str], index: Ints, flat: NDArray[Any]) -> Epochs:
    order = np.argsort(index)
    features = flat.reshape(len(index), len(names)).astype(np.float32)
    return Epochs(version, names, index[order], features[order])


def arrays(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement, its arrays flat in numpy."""
    cursor = rows.cursor()
    for loader in _LOADERS:
        cursor.adapters.register_loader(loader.oid, loader)
    return cursor.execute(statement, values, binary=True).fetchall()


def prepared_arrays(
    session: psycopg.Connection, prepared: Prepared, values: Sequence[bytes | None]
) -> list[tuple[Any, ...]]:
    """The same by libpq's own call, outside a transaction."""
    result = prepared.answer(session, values)
    loading = Transformer(_Loading(_ADAPTERS, session))
    loading.set_pgresult(result)
    return loading.load_rows(0, result.ntuples, tuple)


@dataclass(frozen=True)
class _Loading:
    """What psycopg asks of whoever loads values."""

    adapters: AdaptersMap
    connection: psycopg.Connection


class FlatInts(Loader):
    """Dimensions, flags and element type in front, then each element with its length."""

    format = pq.Format.BINARY
    oid = 1007  # int4[]
    element = ">i4"

    def load(self, data: Buffer) -> NDArray[Any]:
        (dimensions,) = struct.unpack_from(">i", data)
        laid_out = np.dtype([("length", ">i4"), ("value", self.element)])
        return np.frombuffer(bytes(data), laid_out, offset=12 + 8 * int(dimensions))["value"]


class FlatFloats(FlatInts):
    oid = 1021  # float4[]
    element = ">f4"


class FlatInstants(FlatInts):
    """Microseconds since PostgreSQL's own origin, the start of 2000."""

    oid = 1185  # timestamptz[]
    element = ">i8"


_LOADERS = (FlatInts, FlatFloats, FlatInstants)
_ADAPTERS = AdaptersMap(psycopg.adapters)
for _loader in _LOADERS:
    _ADAPTERS.register_loader(_loader.oid, _loader)
