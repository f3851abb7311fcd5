"""A plain table and its range partitions beside each other: made, filled, read and emptied."""

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

Database = psycopg.Connection[Any]

NIGHT = 960
WEEKS = 13
SPARE_WEEKS = 5
BATCH = 256
TENANTS = 10
NIGHTS_AT_ONCE = 50
COLUMNS = """
tenant_id integer NOT NULL, recording_id integer NOT NULL, epoch_start_ts timestamptz NOT NULL,
received_at timestamptz NOT NULL, device_id integer NOT NULL, epoch_index integer NOT NULL,
schema_id smallint NOT NULL, features real[] NOT NULL,
PRIMARY KEY (tenant_id, recording_id, epoch_start_ts)
"""
START = "timestamptz '2026-01-05 00:00+00'"
# One night a recording, spread evenly over the weeks; ten tenants. Batches of all nights of some
# hours come in between each other, as from a fleet of devices, so a night's rows lie apart.
FILL = f"""
INSERT INTO {{table}}
SELECT night %% {TENANTS}, night, {START} + at, {START} + at, night %% 500, i, 1,
       ARRAY(SELECT (random() * 100)::real FROM generate_series(1, 15) WHERE i >= 0)
FROM generate_series(0, {NIGHT} / {BATCH}) batch,
generate_series(%(first)s::integer, %(last)s::integer) night,
LATERAL (SELECT night * interval '{WEEKS * 7} days' / %(nights)s::integer) begun (after),
generate_series(batch * {BATCH}, least(batch * {BATCH} + {BATCH - 1}, {NIGHT - 1})) i,
LATERAL (SELECT begun.after + i * interval '30 seconds') epoch (at)
"""
ADD = f"""
INSERT INTO {{table}}
SELECT 1, %(night)s::integer, {START} + interval '40 days' + i * interval '30 seconds', now(), 1,
       i, 1, array_fill(1::real, ARRAY[15])
FROM generate_series(0, {BATCH - 1}) i
"""
READ = "SELECT * FROM {table} WHERE tenant_id = %(tenant)s AND recording_id = %(night)s"
BOUNDED = """
DELETE FROM {table} WHERE tenant_id = %(tenant)s AND recording_id = ANY(%(nights)s)
AND epoch_start_ts < {until}
"""
LEAVES = """
WITH leaf (relid) AS (
    SELECT %(table)s::regclass UNION SELECT relid FROM pg_partition_tree(%(table)s::regclass)
)
"""
FILES = f"""{LEAVES}
SELECT current_setting('data_directory') || '/' || pg_relation_filepath(each)
FROM (SELECT relid FROM leaf UNION ALL SELECT indexrelid FROM leaf, pg_index WHERE indrelid = relid)
     AS file (each)
WHERE pg_relation_filepath(each) IS NOT NULL
"""
SIZE = f"{LEAVES} SELECT sum(pg_total_relation_size(relid)) FROM leaf"


class Cost(NamedTuple):
    ms: float
    wal_mb: float


def costs(database: Database, work: Callable[[], Any]) -> Cost:
    (before,) = database.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
    ms = timed(work)
    (wal,) = database.execute(
        "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", [before]
    ).fetchone()
    return Cost(round(ms, 1), round(float(wal) / 1e6, 1))


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def create(database: Database) -> None:
    database.execute(f"CREATE TABLE plain ({COLUMNS})")
    database.execute(f"CREATE TABLE parted ({COLUMNS}) PARTITION BY RANGE (epoch_start_ts)")
    for week in range(WEEKS + SPARE_WEEKS):
        bounds = [f"{START} + interval '{days} days'" for days in (7 * week, 7 * week + 7)]
        low, high = database.execute(f"SELECT ({bounds[0]})::text, ({bounds[1]})::text").fetchone()
        database.execute(
            f"CREATE TABLE week_{week} PARTITION OF parted FOR VALUES FROM ('{low}') TO ('{high}')"
        )


def fill(database: Database, table: str, chosen: range, nights: int) -> None:
    """Some nights at once, whose batches come in turn."""
    for first in range(chosen.start, chosen.stop, 500):
        bounds = {"first": first, "last": min(first + 500, chosen.stop) - 1}
        database.execute(FILL.format(table=table), {**bounds, "nights": nights})


def week_of(nights: int, week: int) -> range:
    return range(nights * week // WEEKS, nights * (week + 1) // WEEKS)


def add(database: Database, table: str, night: int) -> float:
    return timed(lambda: database.execute(ADD.format(table=table), {"night": night}))


def read(database: Database, table: str, nights: int) -> float:
    chosen = [nights - 1 - 3 * n for n in range(30)]
    return statistics.median(timed(lambda n=n: fetch(database, table, n)) for n in chosen)


def fetch(database: Database, table: str, night: int) -> None:
    values = {"tenant": night % TENANTS, "night": night}
    database.execute(READ.format(table=table), values).fetchall()


def delete_week(database: Database, table: str, nights: int, week: int) -> None:
    """By night and in batches of fifty, as the retention service does it."""
    # Its last nights reach into the week after; the service would come back for what is left.
    until = f"{START} + interval '{7 * (week + 2)} days'"
    for tenant in range(TENANTS):
        own = [night for night in week_of(nights, week) if night % TENANTS == tenant]
        for first in range(0, len(own), NIGHTS_AT_ONCE):
            values = {"tenant": tenant, "nights": own[first : first + NIGHTS_AT_ONCE]}
            database.execute(BOUNDED.format(table=table, until=until), values)


def megabytes(database: Database, table: str) -> float:
    return round(float(database.execute(SIZE, {"table": table}).fetchone()[0]) / 1e6, 1)


def forget(database: Database, table: str) -> None:
    """Nothing of a table stays in the system's memory; the server's own 128 MB may."""
    database.execute("CHECKPOINT")
    for (path,) in database.execute(FILES, {"table": table}).fetchall():
        for part in Path(path).parent.glob(f"{Path(path).name}*"):
            with part.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def writer(url: str, table: str, first: int) -> Iterator[list[float]]:
    """Batches go in beside, one after another with a pause; their times are listed."""
    times: list[float] = []
    over = threading.Event()

    def write() -> None:
        with psycopg.connect(url, autocommit=True) as database:
            while not over.wait(0.02):
                times.append(add(database, table, first + len(times)))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield times
    finally:
        over.set()
        thread.join()
