"""`make bench-storage`: retention on a plain table against range partitions, on plain PostgreSQL.

Ratios of one run; `EPOCHS=10000000` is what a decision needs, the default only tries it."""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg

from noctis.embedded import Instance
from noctis.embedded.temporary import temporary_home

EPOCHS = int(os.environ.get("EPOCHS", "200000"))
NIGHT = 960
WEEKS = 13
BATCH = 256
ROUNDS = 5
COLUMNS = """
tenant_id integer NOT NULL, recording_id integer NOT NULL, epoch_start_ts timestamptz NOT NULL,
received_at timestamptz NOT NULL, device_id integer NOT NULL, epoch_index integer NOT NULL,
schema_id smallint NOT NULL, features real[] NOT NULL,
PRIMARY KEY (tenant_id, recording_id, epoch_start_ts)
"""
START = "timestamptz '2026-01-05 00:00+00'"
# One night a recording, spread evenly over the weeks; ten tenants.
FILL = f"""
INSERT INTO {{table}}
SELECT night %% 10, night, {START} + at, {START} + at, night %% 500, i, 1,
       ARRAY(SELECT (random() * 100)::real FROM generate_series(1, 15) WHERE i >= 0)
FROM generate_series(%(first)s::integer, %(last)s::integer) night,
LATERAL (SELECT night * interval '{WEEKS * 7} days' / %(nights)s::integer) begun (after),
generate_series(0, {NIGHT - 1}) i,
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


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def create(database: psycopg.Connection[Any]) -> None:
    database.execute(f"CREATE TABLE plain ({COLUMNS})")
    database.execute(f"CREATE TABLE parted ({COLUMNS}) PARTITION BY RANGE (epoch_start_ts)")
    for week in range(WEEKS + 1):
        bounds = [f"{START} + interval '{days} days'" for days in (7 * week, 7 * week + 7)]
        low, high = database.execute(f"SELECT ({bounds[0]})::text, ({bounds[1]})::text").fetchone()
        database.execute(
            f"CREATE TABLE week_{week} PARTITION OF parted FOR VALUES FROM ('{low}') TO ('{high}')"
        )


def fill(database: psycopg.Connection[Any], table: str, nights: int) -> None:
    statement = FILL.format(table=table)
    for first in range(0, nights, 500):
        last = min(first + 500, nights) - 1
        database.execute(statement, {"first": first, "last": last, "nights": nights})
    database.execute(f"VACUUM ANALYZE {table}")


def add(database: psycopg.Connection[Any], table: str, nights: int) -> float:
    return statistics.median(
        timed(lambda n=n: database.execute(ADD.format(table=table), {"night": nights + n}))
        for n in range(50)
    )


def read(database: psycopg.Connection[Any], table: str, nights: int) -> float:
    chosen = [nights - 1 - n for n in range(30)]
    return statistics.median(
        timed(
            lambda n=n: database.execute(
                READ.format(table=table), {"tenant": n % 10, "night": n}
            ).fetchall()
        )
        for n in chosen
    )


def delete_week(database: psycopg.Connection[Any], table: str, nights: int, week: int) -> float:
    """By night and in batches of fifty, as the retention service does it."""
    until = f"{START} + interval '{7 * (week + 1)} days'"
    per_week = nights // WEEKS
    chosen = range(per_week * week, per_week * (week + 1))

    def work() -> None:
        for tenant in range(10):
            own = [night for night in chosen if night % 10 == tenant]
            for first in range(0, len(own), 50):
                database.execute(
                    BOUNDED.format(table=table, until=until),
                    {"tenant": tenant, "nights": own[first : first + 50]},
                )
        database.execute(f"VACUUM {table}")

    return timed(work)


def measure(database: psycopg.Connection[Any]) -> dict[str, Any]:
    nights = EPOCHS // NIGHT
    create(database)
    for table in ("plain", "parted"):
        fill(database, table, nights)
    size = database.execute("SELECT pg_total_relation_size('plain')").fetchone()[0]
    added = {table: [] for table in ("plain", "parted")}
    seen = {table: [] for table in ("plain", "parted")}
    for turn in range(ROUNDS):
        for table in ("plain", "parted"):
            added[table].append(add(database, table, nights + 1_000 * (turn + 1)))
            seen[table].append(read(database, table, nights))
    by_night = delete_week(database, "plain", nights, 0)
    parted_by_night = delete_week(database, "parted", nights, 0)
    dropped = timed(lambda: database.execute("DROP TABLE week_1"))
    return {
        "epochs": nights * NIGHT,
        "bytes a row, plain": round(size / (nights * NIGHT), 1),
        "insert of 256: parted / plain": ratio(added["parted"], added["plain"]),
        "read of a night: parted / plain": ratio(seen["parted"], seen["plain"]),
        "insert of 256, plain, ms": round(statistics.median(added["plain"]), 2),
        "a week by night, vacuum included: ms plain": round(by_night, 1),
        "a week by night, vacuum included: ms parted": round(parted_by_night, 1),
        "a week dropped as a partition: ms": round(dropped, 1),
    }


def ratio(one: list[float], other: list[float]) -> float:
    return round(statistics.median(a / b for a, b in zip(one, other, strict=True)), 2)


def main() -> int:
    with temporary_home() as home, Instance(home) as instance:
        url = instance.addresses()["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as database:
            print(json.dumps(measure(database), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
