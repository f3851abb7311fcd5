"""`make bench-predict`: questions for stages as ratios to an authenticated no-op and to numpy."""

import argparse
import json
import os
import random
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import processes, stored
from bench.ingest import MOST_OTHER_LOAD, cpu, header, refuse_unsafe
from bench.stage import Stage, stage

# A walk through memory takes 27 to 30 where nobody else uses the machine's caches.
QUIET_STEP_NS = 60
# name: the most that it may be
BARS = {
    "latest x8 CPU ms": 2.0,  # and no multiple of the no-op: ADR 29 says why
    "night x1 CPU ms": 25.0,
    "bare night ms": 1.0,
    "bare night, network ms": 8.0,
    "latest again x8 CPU times latest": 1.0,
    "night again x8 CPU times night": 1.0,
}


@dataclass(frozen=True)
class Measured:
    """One cell of one round; CPU a question."""

    cell: str
    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    web_ms: float
    database_ms: float
    generator_ms: float
    other_cores: float

    @property
    def cpu_ms(self) -> float:
        return self.web_ms + self.database_ms


def measure(stage_: Stage, asker: Any, cell: Any, taken: int) -> Measured:
    """Rows are counted before and after; any status but 200 is a failure."""
    import psycopg

    act = asker.prepare(cell, taken)
    with psycopg.connect(stage_.database_url, autocommit=True) as admin:
        admin.execute("CHECKPOINT")
        rows, before = _logged(admin), cpu(stage_)
        outcome = act()
        after, added = cpu(stage_), _logged(admin) - rows
    wanted = cell.rows * cell.questions
    # What the model's window does not know enough of has no stage, and so no row.
    if outcome.failures or not (added == wanted or 0.9 * wanted < added < wanted):
        raise SystemExit(f"{cell.label}: {outcome.failures[:3]}, {added} rows of {wanted}")
    web, database, generator, machine = (b - a for a, b in zip(before, after, strict=True))
    return Measured(
        cell=cell.label,
        per_s=cell.questions / outcome.seconds,
        p50_ms=outcome.percentile_ms(0.5),
        p95_ms=outcome.percentile_ms(0.95),
        p99_ms=outcome.percentile_ms(0.99),
        web_ms=web / cell.questions * 1000,
        database_ms=database / cell.questions * 1000,
        generator_ms=generator / cell.questions * 1000,
        other_cores=max(0.0, (machine - web - database - generator) / outcome.seconds),
    )


def _logged(admin: Any) -> int:
    return int(admin.execute("SELECT count(*) FROM inference_prediction").fetchone()[0])


def rounds(stage_: Stage, count: int, questions: int, seed: int) -> list[Measured]:
    """Every cell in every round, in another order each time, so that a drift hits all alike."""
    from bench.predict_cells import all_cells, asker

    who = asker(stage_)
    order, measured, taken = random.Random(seed), [], 0
    for number in range(count + 1):
        cells = all_cells(questions)
        order.shuffle(cells)
        for cell in cells:
            result = measure(stage_, who, cell, taken)
            taken += cell.questions
            if number:  # the first round only warms up
                measured.append(result)
            print(f"\rround {number}/{count} {cell.label:<16}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return measured


def median(measured: list[Measured], cell: str, field: str = "cpu_ms") -> float:
    return statistics.median(getattr(row, field) for row in measured if row.cell == cell)


def figures(measured: list[Measured], bare: dict[str, float]) -> dict[str, float]:
    """The costs and ratios; those without a bar are there to be read."""
    found = {f"{name} ms": value for name, value in bare.items()}
    for cell in sorted({row.cell for row in measured}):
        found[f"{cell} CPU ms"] = median(measured, cell)
    noop = median(measured, "whoami x8")
    for name in ("latest", "latest again", "inline", "night"):
        found[f"{name} x8 CPU times whoami"] = median(measured, f"{name} x8") / noop
    found["latest x8 CPU ms beyond whoami"] = median(measured, "latest x8") - noop
    numpy = {"latest": bare["bare latest"], "night": bare["bare night"]}
    for name, alone in numpy.items():
        asked, again = median(measured, f"{name} x8"), median(measured, f"{name} again x8")
        found[f"{name} x8 CPU times numpy"] = asked / alone
        found[f"{name} again x8 CPU times {name}"] = again / asked
    return found


def report(measured: list[Measured], found: dict[str, float]) -> str:
    columns = ("per_s", "p50_ms", "p95_ms", "p99_ms", "web_ms", "database_ms", "generator_ms")
    named = ("per s", "p50", "p95", "p99", "web", "db", "gen")
    lines = [f"{'cell':<16}" + "".join(f"{name:>9}" for name in named) + "   ms; CPU a question"]
    for cell in sorted({row.cell for row in measured}):
        values = "".join(f"{median(measured, cell, name):>9.2f}" for name in columns)
        lines.append(f"{cell:<16}{values}")
    lines.append("")
    for name, value in found.items():
        verdict = "" if name not in BARS else f"bar ≤ {BARS[name]:<5} {verdict_of(name, value)}"
        lines.append(f"{name:<36}{value:>9.2f}  {verdict}".rstrip())
    return "\n".join(lines)


def verdict_of(name: str, value: float) -> str:
    return "ok" if value <= BARS[name] else "MISSED"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="gunicorn", choices=["gunicorn", "granian"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the ratios in bench/results")
    options = parser.parse_args()
    with stage(options.server) as stage_:
        refuse_unsafe(stage_)
        measured = rounds(stage_, options.rounds, options.questions, options.seed)
        from bench.predict_cells import bare_ms

        bare = bare_ms()
    found = figures(measured, bare)
    print(header(options.server))
    print(report(measured, found))
    if target := os.environ.get("JSON"):
        rows = [asdict(row) for row in measured]
        kept = {"machine": header(options.server), "figures": found, "rows": rows}
        Path(target).write_text(json.dumps(kept, indent=1))
    others = statistics.median(row.other_cores for row in measured)
    if others > MOST_OTHER_LOAD:
        print(f"others used {others:.1f} cores: take CPU figures with care, and no speeds at all")
    if (step_ns := processes.reference_step_ns()) > QUIET_STEP_NS:
        print(
            f"{step_ns:.0f} ns a step, {QUIET_STEP_NS} at most when quiet: milliseconds say little"
        )
    worse = stored.worse_than_kept("predict", found)
    print(*worse, sep="\n")
    if options.keep:
        stored.keep("predict", header(options.server), found)
    sys.exit(bool(worse) or any(verdict_of(name, found[name]) == "MISSED" for name in BARS))


if __name__ == "__main__":
    main()
