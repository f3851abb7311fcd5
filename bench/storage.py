"""`make bench-storage`: retention on a plain table against range partitions, on plain PostgreSQL.

Ratios of one run; `EPOCHS=10000000` is what a decision needs, the default only tries it."""

import json
import os
import statistics
import sys
from typing import Any

import psycopg
from psycopg import errors

from bench import storage_tables as tables
from bench.storage_tables import BATCH, NIGHT, WEEKS, Database, costs
from noctis.embedded import Instance
from noctis.embedded.temporary import temporary_home

EPOCHS = int(os.environ.get("EPOCHS", "200000"))
ROUNDS = 5
BOTH = ("plain", "parted")
# Each week of those is let go of, and one comes in for it.
WARM, COLD, BUSY, BY_NIGHT = range(4)


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def fill(database: Database, nights: int) -> dict[str, Any]:
    tables.create(database)
    figures: dict[str, Any] = {"epochs": nights * NIGHT}
    for table in BOTH:
        say(f"filling {table}")
        cost = costs(database, lambda t=table: tables.fill(database, t, range(nights), nights))
        figures[f"fill {table}: s"] = round(cost.ms / 1e3, 1)
        database.execute(f"VACUUM ANALYZE {table}")
        figures[f"{table}: MB"] = tables.megabytes(database, table)
    figures["bytes a row, plain"] = round(figures["plain: MB"] * 1e6 / (nights * NIGHT), 1)
    return figures


def compare(database: Database, nights: int, first: int) -> dict[str, float]:
    """Adding a batch and reading a night, in turn."""
    added: dict[str, list[float]] = {table: [] for table in BOTH}
    seen: dict[str, list[float]] = {table: [] for table in BOTH}
    for turn in range(ROUNDS):
        for table in BOTH:
            news = range(first + 50 * turn, first + 50 * (turn + 1))
            added[table].append(
                statistics.median(tables.add(database, table, night) for night in news)
            )
            seen[table].append(tables.read(database, table, nights))
    return {
        f"insert of {BATCH}: parted / plain": ratio(added["parted"], added["plain"]),
        "read of a night: parted / plain": ratio(seen["parted"], seen["plain"]),
        f"insert of {BATCH}, plain: ms": round(statistics.median(added["plain"]), 2),
        "read of a night, plain: ms": round(statistics.median(seen["plain"]), 2),
    }


def let_go(database: Database, table: str, nights: int, week: int) -> dict[str, Any]:
    """A week goes out of a plain table by night, of partitions as a whole."""
    if table == "parted" and week != BY_NIGHT:
        return {"drop": costs(database, lambda: database.execute(f"DROP TABLE week_{week}"))}
    deleted = costs(database, lambda: tables.delete_week(database, table, nights, week))
    return {
        "delete": deleted,
        "vacuum": costs(database, lambda: database.execute(f"VACUUM {table}")),
    }


def turn_over(database: Database, url: str, nights: int) -> dict[str, Any]:
    """Weeks go and others come; sizes tell whether space is used again."""
    figures: dict[str, Any] = {}
    for table in BOTH:
        for week, name in ((WARM, "warm"), (COLD, "cold"), (BUSY, "busy"), (BY_NIGHT, "by night")):
            say(f"{table}: a week goes, {name}")
            if week == COLD:
                tables.forget(database, table)
            key = f"{table}, a week {name}"
            if week == BUSY:
                with tables.writer(url, table, 10 * nights) as times:
                    figures[key] = let_go(database, table, nights, week)
                figures[f"{key}: insert beside"] = spread(times)
            else:
                figures[key] = let_go(database, table, nights, week)
            news = tables.week_of(nights, WEEKS + week)
            tables.fill(database, table, news, nights)
        figures[f"{table} after four weeks out and in: MB"] = tables.megabytes(database, table)
    return figures


def spread(times: list[float]) -> dict[str, float]:
    if not times:
        return {"batches": 0}
    ordered = sorted(times)
    at = {"p50 ms": 0.5, "p99 ms": 0.99, "max ms": 1.0}
    return {"batches": len(times)} | {
        name: round(ordered[int(share * (len(ordered) - 1))], 2) for name, share in at.items()
    }


def drop_beside_a_reader(database: Database, url: str) -> str:
    """A dump holds its tables for as long as it takes; may a partition go meanwhile?"""
    with psycopg.connect(url) as dump:
        dump.execute("SELECT 1 FROM parted LIMIT 1")
        database.execute("SET lock_timeout = '1s'")
        try:
            database.execute("DROP TABLE week_5")
        except errors.LockNotAvailable:
            return "waits for it"
        finally:
            database.execute("RESET lock_timeout")
    return "goes"


def ratio(one: list[float], other: list[float]) -> float:
    return round(statistics.median(a / b for a, b in zip(one, other, strict=True)), 2)


def measure(database: Database, url: str) -> dict[str, Any]:
    nights = EPOCHS // NIGHT
    figures = fill(database, nights)
    figures["at first"] = compare(database, nights, 2 * nights)
    figures |= turn_over(database, url, nights)
    figures["in the end"] = compare(database, nights, 4 * nights)
    figures["a partition dropped while a dump reads"] = drop_beside_a_reader(database, url)
    return figures


def main() -> int:
    with temporary_home() as home, Instance(home) as instance:
        url = instance.addresses()["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as database:
            print(json.dumps(measure(database, url), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
