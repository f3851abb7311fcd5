"""`make bench-aggregates`: daily summaries as tables against continuous aggregates, on a real one.

Needs the full TimescaleDB behind INTEGRATION_TEST_DATABASE_URL; makes a database there, and drops
it. Each probe says what a summary tells before and after; YEARS=100 also times the reading."""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

NAME = "noctis_bench_aggregates"
FLEETS = (10, 100, 1000)
ROUNDS = 5


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@contextmanager
def database(url: str) -> Iterator[str]:
    """A database of our own on that server, for as long as the block lasts."""
    drop = f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(drop)
        server.execute(f"CREATE DATABASE {NAME}")
        try:
            parts = conninfo_to_dict(url)
            where = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
            secret = f":{parts['password']}" if parts.get("password") else ""
            yield f"postgresql://{parts.get('user', 'postgres')}{secret}@{where}/{NAME}"
        finally:
            server.execute(drop)


@contextmanager
def platform(url: str) -> Iterator[None]:
    """Django on that database, migrated; the other servers are temporary ones."""
    from noctis.embedded import Instance
    from noctis.embedded.temporary import temporary_home

    with temporary_home() as home, Instance(home) as instance:
        os.environ |= {
            **instance.addresses(),
            "DATABASE_URL": url,
            "NOCTIS_ENV": "test",
            "NOCTIS_VAR_DIR": str(home.root),
            "MODELS_DIR": str(home.root / "models"),
            "DJANGO_SETTINGS_MODULE": "noctis.settings",
        }
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", verbosity=0)
        try:
            yield
        finally:
            connections.close_all()


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return round((time.perf_counter() - started) * 1e3, 1)


def median(works: list[float]) -> float:
    return round(statistics.median(works), 1)


def costs(stage: Any, figures: dict[str, Any]) -> None:
    """One late batch in a day of ten, a hundred and a thousand nights."""
    for fleet, some in stage.fleets.items():
        say(f"late batches in a day of {fleet} nights")
        by: dict[str, list[float]] = {"aggregate": [], "table": []}
        for turn in range(ROUNDS):
            stage.late(some[turn])
            by["aggregate"].append(timed(lambda day=some[0]: stage.refresh_day(day)))
            by["table"].append(timed(stage.summarise))
        figures[f"{fleet} nights a day"] = {name: median(values) for name, values in by.items()}


def measure() -> dict[str, Any]:
    from bench.aggregate_stage import Stage

    stage = Stage(FLEETS)
    figures: dict[str, Any] = {"server": stage.server, "nights": stage.night_count}
    say("summing up for the first time")
    figures["first time: ms"] = {
        "aggregate": timed(stage.refresh_all),
        "table": timed(stage.summarise),
    }
    figures["the same answer"] = stage.is_same()
    nothing = {"aggregate": stage.refresh_all, "table": stage.summarise}
    figures["nothing changed: ms"] = {name: timed(work) for name, work in nothing.items()}
    figures["one late batch, young chunk: ms"] = young = {}
    costs(stage, young)
    stage.compress()
    figures["one late batch, compressed chunk: ms"] = packed = {}
    costs(stage, packed)
    figures["256 epochs: ms"] = stage.inserting(200)
    figures["the server's refresh job"] = stage.job()
    figures |= {f"probe: {name}": found for name, found in stage.probes()}
    if years := int(os.environ.get("YEARS", "0")):
        figures["reading"] = stage.reading(years)
    return figures


def main() -> int:
    url = os.environ.get("INTEGRATION_TEST_DATABASE_URL")
    if not url:
        say("skipped: INTEGRATION_TEST_DATABASE_URL names no server with the full TimescaleDB")
        return 0
    with database(url) as own, platform(own):
        print(json.dumps(measure(), indent=2, default=str))
    return 0


if __name__ == "__main__":
    sys.exit(main())
