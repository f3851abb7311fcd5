"""`make bench-ingest`: ingest as ratios to a raw binary COPY of the same rows, in one run."""

import argparse
import json
import os
import platform
import random
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import processes, stored
from bench.stage import Stage, stage

MOST_OTHER_LOAD = 0.3
# name: (what, bar, is_at_least)
BARS = {
    "list x8 share of copy": (0.30, True),
    "packed x8 share of copy": (0.38, True),
    "column x8 share of copy": (0.38, True),
    "list x8 CPU ms per batch": (3.2, False),
    "packed x8 CPU ms per batch": (2.8, False),
    "column x8 CPU ms per batch": (2.8, False),
    "list x8 times the naive peer": (8.0, True),
}


@dataclass(frozen=True)
class Measured:
    """One cell of one round."""

    cell: str
    epochs_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    web_ms: float  # CPU a batch
    database_ms: float
    generator_ms: float
    other_cores: float
    wal_bytes_per_row: float


def measure(stage_: Stage, token: str, cell: Any, made: list[Any]) -> Measured:
    import psycopg

    from bench.cells import EPOCHS, Job

    with psycopg.connect(stage_.database_url, autocommit=True) as admin:
        admin.execute("TRUNCATE recordings_epoch")
        admin.execute("CHECKPOINT")
        act = cell.prepare(Job(stage_, token, made, cell.clients))
        wal = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
        before, wal_before = cpu(stage_), admin.execute(wal).fetchone()[0]
        outcome = act()
        after, wal_after = cpu(stage_), admin.execute(wal).fetchone()[0]
        stored = admin.execute("SELECT count(*) FROM recordings_epoch").fetchone()[0]
    wanted = EPOCHS * len(made)
    if outcome.failures or stored != wanted:
        raise SystemExit(f"{cell.label}: {outcome.failures[:3]}, {stored} rows of {wanted}")
    web, database, generator, machine = (b - a for a, b in zip(before, after, strict=True))
    return Measured(
        cell=cell.label,
        epochs_per_s=stored / outcome.seconds,
        p50_ms=outcome.percentile_ms(0.5),
        p95_ms=outcome.percentile_ms(0.95),
        p99_ms=outcome.percentile_ms(0.99),
        web_ms=web / len(made) * 1000,
        database_ms=database / len(made) * 1000,
        generator_ms=generator / len(made) * 1000,
        other_cores=max(0.0, (machine - web - database - generator) / outcome.seconds),
        wal_bytes_per_row=float(wal_after - wal_before) / stored,
    )


def cpu(stage_: Stage) -> tuple[float, float, float, float]:
    return (
        processes.cpu_s([stage_.web_pid]),
        processes.cpu_s([stage_.database_pid]),
        sum(os.times()[:2]),
        processes.machine_cpu_s(),
    )


def rounds(stage_: Stage, count: int, batches: int, seed: int) -> list[Measured]:
    """Every cell in every round, in another order each time, so that a drift hits all alike."""
    from bench.cells import all_cells, fresh_recordings
    from bench.tenant import sender

    device, token = sender()
    order, measured, taken = random.Random(seed), [], 0
    for number in range(count + 1):
        cells = all_cells(batches)
        order.shuffle(cells)
        for cell in cells:
            made = fresh_recordings(device, cell.batches, taken)
            taken += len(made)
            result = measure(stage_, token, cell, made)
            if number:  # the first round only warms up
                measured.append(result)
            print(f"\rround {number}/{count} {cell.label:<12}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return measured


def median(measured: list[Measured], cell: str, field: str) -> float:
    return statistics.median(getattr(row, field) for row in measured if row.cell == cell)


def figures(measured: list[Measured]) -> dict[str, float]:
    """The ratios and CPU costs that the bars are about."""
    copied = median(measured, "copy x8", "epochs_per_s")
    found = {}
    for form in ("list", "packed", "column"):
        label = f"{form} x8"
        found[f"{label} share of copy"] = median(measured, label, "epochs_per_s") / copied
        cpu = median(measured, label, "web_ms") + median(measured, label, "database_ms")
        found[f"{label} CPU ms per batch"] = cpu
    peer = median(measured, "naive x8", "epochs_per_s")
    found["list x8 times the naive peer"] = median(measured, "list x8", "epochs_per_s") / peer
    return found


def report(measured: list[Measured], found: dict[str, float]) -> str:
    lines = [
        f"{'cell':<11}{'epochs/s':>10}{'spread':>12}{'p50':>8}{'p95':>8}{'p99':>8}"
        f"{'web':>8}{'db':>7}{'gen':>7}{'others':>8}{'WAL/row':>9}   ms; CPU a batch; cores; bytes"
    ]
    for cell in sorted({row.cell for row in measured}):
        speeds = [row.epochs_per_s for row in measured if row.cell == cell]
        values = {
            name: median(measured, cell, name)
            for name in Measured.__annotations__
            if name != "cell"
        }
        lines.append(
            f"{cell:<11}{values['epochs_per_s']:>10,.0f}"
            f"{min(speeds) / 1000:>6.0f}-{max(speeds) / 1000:.0f}k"
            f"{values['p50_ms']:>8.2f}{values['p95_ms']:>8.2f}{values['p99_ms']:>8.2f}"
            f"{values['web_ms']:>8.2f}{values['database_ms']:>7.2f}{values['generator_ms']:>7.2f}"
            f"{values['other_cores']:>8.2f}{values['wal_bytes_per_row']:>9.0f}"
        )
    lines.append("")
    for name, value in found.items():
        bar, is_at_least = BARS[name]
        verdict = "ok" if (value >= bar) == is_at_least else "MISSED"
        lines.append(
            f"{name:<32}{value:>8.2f}  bar {'≥' if is_at_least else '≤'} {bar:<5} {verdict}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="gunicorn", choices=["gunicorn", "granian"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the ratios in bench/results")
    options = parser.parse_args()
    with stage(options.server) as stage_:
        refuse_unsafe(stage_)
        measured = rounds(stage_, options.rounds, options.batches, options.seed)
    found = figures(measured)
    print(header(options.server))
    print(report(measured, found))
    if target := os.environ.get("JSON"):
        rows = [asdict(row) for row in measured]
        Path(target).write_text(
            json.dumps(
                {"machine": header(options.server), "figures": found, "rows": rows}, indent=1
            )
        )
    busy = statistics.median(row.other_cores for row in measured) > MOST_OTHER_LOAD
    missed = [
        name
        for name, value in found.items()
        if (value >= BARS[name][0]) != BARS[name][1] and not (busy and "CPU" not in name)
    ]
    if busy:
        print(f"others used more than {MOST_OTHER_LOAD} cores: only the CPU figures were judged")
    worse = [] if busy else stored.worse_than_kept("ingest", found)
    print(*worse, sep="\n")
    if options.keep:
        stored.keep("ingest", header(options.server), found)
    sys.exit(1 if missed or worse else 0)


def refuse_unsafe(stage_: Stage) -> None:
    import psycopg

    with psycopg.connect(stage_.database_url) as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            row = connection.execute(f"SHOW {name}").fetchone()
            if not row or row[0] != "on":
                raise SystemExit(f"{name} is {row}: a figure without durability says nothing")


def header(server: str) -> str:
    python, machine = platform.python_version(), platform.machine()
    loop = f"reference loop {processes.reference_ms():.0f} ms"
    walk = f"walk {processes.reference_step_ns():.0f} ns a step"
    return f"{server}, Python {python}, {os.cpu_count()} cores, {machine}, {loop}, {walk}"


if __name__ == "__main__":
    main()
