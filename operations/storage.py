"""What the server holds of each series: chunks, bytes, jobs. Only reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from noctis.db.editions import Edition
from noctis.db.timescaledb import edition_of
from operations.policies import Series

INTERVAL_DAYS = """
SELECT extract(epoch FROM time_interval)::bigint / 86400 FROM timescaledb_information.dimensions
WHERE hypertable_name = %(table)s AND hypertable_schema = current_schema() AND dimension_number = 1
"""

CHUNKS = """
SELECT chunk_schema, chunk_name, range_start, range_end FROM timescaledb_information.chunks
WHERE hypertable_name = %(table)s AND hypertable_schema = current_schema() ORDER BY range_start
"""

PLAIN_BYTES = "SELECT pg_total_relation_size(%(table)s::regclass)"
HYPERTABLE_BYTES = "SELECT hypertable_size(%(table)s::regclass)"
# An estimate from the last ANALYZE: these tables are not counted.
PLAIN_ROWS = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = %(table)s::regclass"
HYPERTABLE_ROWS = "SELECT approximate_row_count(%(table)s::regclass)"

COMPRESSION = """
SELECT sum(before_compression_total_bytes)::float8 / nullif(sum(after_compression_total_bytes), 0)
FROM hypertable_compression_stats(%(table)s::regclass)
"""


@dataclass(frozen=True)
class Chunk:
    schema: str
    name: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Held:
    """What there is of a series; `chunk_days` is None for a plain table."""

    rows: int
    size: int
    chunk_days: int | None
    chunks: int
    # Bytes before to bytes after, of what is compressed; None where nothing is.
    compression_ratio: float | None = None


def edition() -> Edition:
    return edition_of(connection)


def held(series: Series, on: Edition) -> Held:
    table = {"table": series.table}
    if on == Edition.POSTGRES or (days := chunk_days(series, on)) is None:
        rows, size = _rows(PLAIN_ROWS, table), _rows(PLAIN_BYTES, table)
        return Held(int(rows[0][0]), int(size[0][0]), None, 0)
    rows, size = _rows(HYPERTABLE_ROWS, table), _rows(HYPERTABLE_BYTES, table)
    ratio = _rows(COMPRESSION, table)[0][0] if on == Edition.TIMESCALE else None
    return Held(int(rows[0][0]), int(size[0][0]), days, len(chunks(series, on)), ratio)


def chunk_days(series: Series, on: Edition) -> int | None:
    """The interval of a hypertable; None where the series is a plain table."""
    if on == Edition.POSTGRES:
        return None
    found = _rows(INTERVAL_DAYS, {"table": series.table})
    return int(found[0][0]) if found else None


def chunks(series: Series, on: Edition) -> list[Chunk]:
    """Oldest first; none where the series is a plain table."""
    if on == Edition.POSTGRES:
        return []
    return [Chunk(*row) for row in _rows(CHUNKS, {"table": series.table})]


def _rows(statement: str, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
