"""The tables that are exported: their columns, and their rows page by page as text."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recordings import queries, stages, streams
from recordings.queries import Epochs

Row = Mapping[str, Any]
# Bounds the memory of a page: 4 nights of epochs are at most 11,520 rows.
NIGHTS_A_PAGE, ROWS_A_PAGE = 4, 1_000
ORIGIN = np.datetime64("2000-01-01", "us")

# LATERAL keeps it one look into the key for each recording, whatever the planner believes.
EPOCHS = """
SELECT f.n, tenant.slug, night.uuid::text, device.uuid::text, night.started_at,
       schema.version, jsonb_path_query_array(schema.features, '$[*].name'),
       found.index, found.features, found.received_at
FROM export_frontier AS f
JOIN recordings_recording AS night ON night.id = f.recording_id
JOIN devices_device AS device ON device.id = night.device_id
JOIN tenants_tenant AS tenant ON tenant.id = f.tenant_id
CROSS JOIN LATERAL (
    SELECT schema_id, array_agg(epoch_index) AS index, array_agg(features) AS features,
           array_agg(received_at) AS received_at
    FROM recordings_epoch
    WHERE tenant_id = f.tenant_id AND recording_id = f.recording_id
      AND received_at > f.after AND received_at <= f.through
    GROUP BY schema_id) AS found
JOIN recordings_featureschema AS schema ON schema.id = found.schema_id
WHERE f.n > %(after)s AND f.n <= %(after)s + %(page)s
ORDER BY f.n, schema.id
"""
SCHEMAS = """
SELECT DISTINCT schema.id, jsonb_path_query_array(schema.features, '$[*].name')
FROM export_frontier AS f
CROSS JOIN LATERAL (
    SELECT DISTINCT schema_id FROM recordings_epoch
    WHERE tenant_id = f.tenant_id AND recording_id = f.recording_id
      AND received_at > f.after AND received_at <= f.through) AS found
JOIN recordings_featureschema AS schema ON schema.id = found.schema_id
ORDER BY schema.id
"""
LABELS = """
SELECT f.n, tenant.slug, night.uuid::text, labels.version, labels.scorer, labels.source,
       labels.created_at, labels.stages::int[]
FROM export_frontier AS f
JOIN recordings_recording AS night ON night.id = f.recording_id
JOIN tenants_tenant AS tenant ON tenant.id = f.tenant_id
JOIN recordings_labelset AS labels
    ON labels.tenant_id = f.tenant_id AND labels.recording_id = f.recording_id
   AND labels.created_at > f.after AND labels.created_at <= f.through
WHERE night.status <> 'erasing' AND f.n > %(after)s AND f.n <= %(after)s + %(page)s
ORDER BY f.n, labels.version
"""
# Changed again meanwhile: the next increment tells it.
RECORDINGS = """
SELECT f.n, tenant.slug, night.uuid::text, device.uuid::text, device.external_id,
       night.started_at, night.ended_at, night.timezone, night.night_on::text, night.subject,
       night.status, night.epoch_count, night.created_at, night.updated_at
FROM export_frontier AS f
JOIN recordings_recording AS night ON night.id = f.recording_id AND night.updated_at = f.through
JOIN devices_device AS device ON device.id = night.device_id
JOIN tenants_tenant AS tenant ON tenant.id = f.tenant_id
WHERE f.n > %(after)s AND f.n <= %(after)s + %(page)s
ORDER BY f.n
"""


@dataclass(frozen=True)
class Page:
    """Some rows as text, and the schema versions among them."""

    text: str
    rows: int
    versions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Table:
    """`columns` of the frontier at hand, and its pages in a format; `row` says what one row is."""

    row: str
    columns: Callable[[], list[str]]
    pages: Callable[[str, Sequence[str]], Iterator[Page]]


def found_by(statement: str, size: int) -> Iterator[list[tuple[Any, ...]]]:
    ((most,),) = queries.arrays("SELECT coalesce(max(n), 0) FROM export_frontier", {})
    for after in range(0, most, size):
        yield queries.arrays(statement, {"after": after, "page": size})


# Epochs.

LEADING = ("tenant", "recording_id", "device_id", "feature_schema_version")
TIMES = ("epoch_index", "epoch_start_ts", "received_at")


@dataclass(frozen=True)
class Night:
    """The epochs of one recording in one schema, with what is the same for all of them."""

    same: Row
    epochs: Epochs
    starts: Sequence[str]
    received: Sequence[str]

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> "Night":
        _, tenant, night, device, started_at, version, names, index, flat, received = row
        epochs = queries.epochs_of(version, names, index, flat)
        same = dict(zip(LEADING, (tenant, night, device, version), strict=True))
        at: NDArray[np.datetime64] = ORIGIN + received[np.argsort(index)].astype("m8[us]")
        return cls(same, epochs, epochs.starts(started_at), streams.instants(at))

    def csv(self, columns: Sequence[str]) -> str:
        same = streams.csv_row(self.same.values()).rstrip("\n")
        times = zip(self.epochs.index.tolist(), self.starts, self.received, strict=True)
        heads = [f"{same},{index},{start},{received}" for index, start, received in times]
        features = columns[len(LEADING) + len(TIMES) :]
        return "".join(streams.csv_numbers(heads, self.epochs.matrix(features)))

    def ndjson(self, columns: Sequence[str]) -> str:
        names, values = self.epochs.names, streams.shortest(self.epochs.features).tolist()
        every = zip(self.epochs.index.tolist(), self.starts, self.received, values, strict=True)
        return streams.ndjson(
            {
                **self.same,
                **dict(zip(TIMES, times, strict=True)),
                "features": dict(zip(names, row, strict=True)),
            }
            for *times, row in every
        )


def epoch_columns() -> list[str]:
    """A column for each feature of any schema that the rows speak."""
    names = [name for _, found in queries.arrays(SCHEMAS, {}) for name in found]
    return [*LEADING, *TIMES, *dict.fromkeys(names)]


def epoch_pages(form: str, columns: Sequence[str]) -> Iterator[Page]:
    for rows in found_by(EPOCHS, NIGHTS_A_PAGE):
        nights = [Night.of(row) for row in rows]
        spell = Night.csv if form == "csv" else Night.ndjson
        yield Page(
            "".join(spell(night, columns) for night in nights),
            sum(len(night.starts) for night in nights),
            frozenset(night.epochs.version for night in nights),
        )


# Labels and recordings.

LABEL_COLUMNS = [
    "tenant",
    "recording_id",
    "version",
    "scorer",
    "source",
    "created_at",
    "stages",
]
RECORDING_COLUMNS = [
    "tenant",
    "recording_id",
    "device_id",
    "device_external_id",
    "started_at",
    "ended_at",
    "timezone",
    "night_on",
    "subject",
    "status",
    "epoch_count",
    "created_at",
    "updated_at",
]


def spelt(form: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    if form == "csv":
        return "".join(streams.csv_row(row) for row in rows)
    return streams.ndjson(dict(zip(columns, row, strict=True)) for row in rows)


def label_pages(form: str, columns: Sequence[str]) -> Iterator[Page]:
    for found in found_by(LABELS, NIGHTS_A_PAGE):
        rows = [(*row, stages.letters_of(codes.tolist())) for _, *row, codes in found]
        yield Page(spelt(form, columns, rows), len(rows))


def recording_pages(form: str, columns: Sequence[str]) -> Iterator[Page]:
    for found in found_by(RECORDINGS, ROWS_A_PAGE):
        rows = [row[1:] for row in found]
        yield Page(spelt(form, columns, rows), len(rows))


TABLES = {
    "epochs": Table("a row for each epoch", epoch_columns, epoch_pages),
    "labels": Table(
        "a row for each version of a night's ground truth", lambda: LABEL_COLUMNS, label_pages
    ),
    "recordings": Table(
        "a row for each recording as it is now", lambda: RECORDING_COLUMNS, recording_pages
    ),
}
FORMATS = ("csv", "ndjson")
