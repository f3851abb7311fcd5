"""`make bench-series`: bytes a night, summaries against raw rows, and what insertion costs.

On the server that INTEGRATION_TEST_DATABASE_URL names, in a database of its own, else embedded.
YEARS=1,10,100 are the device-years; what the server's edition lacks is left out."""

import json
import os
import sys
from datetime import timedelta
from typing import Any

from bench.aggregates import database, platform
from noctis.embedded import Instance
from noctis.embedded.temporary import temporary_home

YEARS = [int(word) for word in os.environ.get("YEARS", "1,10").split(",")]
ROUNDS = 3
INSERTIONS = 200
SIZES = {
    "plain": "SELECT pg_total_relation_size('{table}')",
    "hypertable": "SELECT hypertable_size('{table}')",
}
COMPRESS = """
SELECT count(compress_chunk(c, if_not_compressed => true)) FROM show_chunks('recordings_epoch') c
"""
COMPRESSED = """
SELECT sum(before_compression_total_bytes), sum(after_compression_total_bytes)
FROM hypertable_compression_stats('recordings_epoch')
"""


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def measure() -> dict[str, Any]:
    from bench import series_rows as rows
    from inference.services import shipped
    from inference.services.model_events import Decision
    from noctis.db.editions import Edition
    from operations import storage
    from operations.policies import EPOCHS
    from operations.services import jobs, policies
    from tenants.models import AuditEntry
    from tenants.services import tenants
    from tenants.services.audit import Actor

    actor = Actor("bench", AuditEntry.Channel.COMMAND)
    shipped.ensure_models(decision=Decision(actor, "bench"))
    edition = storage.edition()
    tenant = tenants.create_tenant(slug="bench", name="Bench", actor=actor)
    patterns = rows.keep_patterns()
    figures: dict[str, Any] = {
        "edition": edition,
        "server": rows.run("SHOW server_version")[0][0],
        "fsync": rows.run("SHOW fsync")[0][0],
        "epochs a night": round(patterns / rows.PATTERNS, 1),
    }
    if edition == Edition.TIMESCALE:
        (change,) = (c for c in policies.plan().changes if c.name == f"{EPOCHS.name}.compression")
        jobs.apply(change=change, edition=edition)
        # Only this run says what is compressed.
        rows.run("SELECT remove_compression_policy('recordings_epoch')")
    for years in YEARS:
        rows.empty(tenant)
        figures[f"{years} device-years"] = _asked(rows, tenant, years, edition)
        say(json.dumps(figures[f"{years} device-years"]))
    figures["insertion"] = _inserted(rows, tenant, edition)
    return figures


def _asked(rows: Any, tenant: Any, years: int, edition: str) -> dict[str, Any]:
    beds = rows.devices(tenant, years)
    say(f"{years} device-years are filled in")
    some = rows.nights(beds)
    found: dict[str, Any] = {"nights": len(some)}
    found["filled in: s"] = round(rows.timed(lambda: rows.fill("recordings_epoch", some)) / 1e3, 1)
    rows.run("VACUUM ANALYZE recordings_epoch")
    say("summed up")
    found["summed up: s"] = round(rows.timed(lambda: rows.sum_up(tenant)) / 1e3, 1)
    rows.run("VACUUM ANALYZE device_daily_summary")
    kind = "plain" if edition == "postgres" else "hypertable"
    size = int(rows.run(SIZES[kind].format(table="recordings_epoch"))[0][0])
    summed = int(rows.run(SIZES["plain"].format(table="device_daily_summary"))[0][0])
    found |= {"bytes a night": size // len(some), "of its summary": summed // len(some)}
    found |= _compared(rows, beds, "raw")
    if edition == "timescale":
        say("compressed")
        found["compressed: s"] = round(rows.timed(lambda: rows.run(COMPRESS)) / 1e3, 1)
        before, after = rows.run(COMPRESSED)[0]
        found["bytes a night, compressed"] = int(after) // len(some)
        found["compression ratio"] = round(float(before) / float(after), 2)
        found |= _compared(rows, beds, "compressed")
    return found


def _compared(rows: Any, beds: list[Any], name: str) -> dict[str, Any]:
    """The year of some devices, in turn, from the summary and from the rows."""
    beds = beds[: rows.ASKED]
    ratios, summary, raw, same = [], [], [], True
    for _ in range(ROUNDS):
        by_summary, ms = rows.answered(rows.by_summary, beds)
        summary.append(ms)
        by_rows, ms = rows.answered(rows.by_rows, beds)
        raw.append(ms)
        ratios.append(raw[-1] / summary[-1])
        same = same and rows.is_same(by_summary, by_rows)
    return {
        f"{name}: the same answer": same,
        f"{name}: rows / summary": round(rows.median(ratios), 1),
        f"{name}: ms a device by summary": round(rows.median(summary) / len(beds), 1),
        f"{name}: ms a device by rows": round(rows.median(raw) / len(beds), 1),
    }


def _inserted(rows: Any, tenant: Any, edition: str) -> dict[str, Any]:
    """The same batches into each kind of table, in turn; as much lies in each before."""
    rows.empty(tenant)
    beds = rows.devices(tenant, 1)
    some = rows.nights(beds)
    rows.run("CREATE TABLE bench_plain (LIKE recordings_epoch INCLUDING INDEXES)")
    for table in ("recordings_epoch", "bench_plain"):
        rows.fill(table, some)
    tables = {"plain": ("bench_plain", rows.START + timedelta(days=2 * rows.YEAR))}
    if edition != "postgres":
        tables["hypertable"] = ("recordings_epoch", rows.START + timedelta(days=2 * rows.YEAR))
    if edition == "timescale":
        rows.run(COMPRESS)
        tables["compressed"] = ("recordings_epoch", rows.START + timedelta(days=100))
    times: dict[str, list[float]] = {name: [] for name in tables}
    for turn in range(INSERTIONS):
        for name, (table, start) in tables.items():
            night = 10_000_000 + turn
            times[name].append(rows.add(table, beds[0], night, start))
    plain = times["plain"]
    found: dict[str, Any] = {"plain: ms": round(rows.median(plain), 2)}
    for name, own in times.items():
        pairs = [a / b for a, b in zip(own, plain, strict=True)]
        found[f"{name} / plain"] = round(rows.median(pairs), 2)
    return found


def main() -> int:
    url = os.environ.get("INTEGRATION_TEST_DATABASE_URL")
    if url:
        with database(url) as own, platform(own):
            print(json.dumps(measure(), indent=2))
        return 0
    with temporary_home() as home, Instance(home) as instance:
        own = instance.addresses()["DATABASE_URL"]
        with platform(own):
            print(json.dumps(measure(), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
