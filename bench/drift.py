"""`make bench-drift`: how often drift is cried or missed, by nights and by epochs; its cost.

Nights are drawn by the tests' own fleet; nothing is stored and no server is needed."""

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy import stats

from mlops.drift import Nights, compare
from mlops.drift.comparison import Severity
from tests.mlops.drifting import FEATURES, Fleet, drawn, reference

FALSE_ALARMS, POWER = 0.07, 0.95
FLEET = Fleet(epochs=120)
SIZES = (10, 1_000, 100_000)
SECONDS_AT_MOST = 30.0


@dataclass(frozen=True)
class Outcome:
    """Shares of runs, by nights and by a Kolmogorov-Smirnov test on raw epochs."""

    shift: float
    runs: int
    flagged: float
    first_feature: float
    raw_epochs: float


def outcome(shift: float, runs: int) -> Outcome:
    flagged = first = raw = 0
    for seed in range(runs):
        fleet = drawn(replace(FLEET, shift=shift), seed)
        found = compare(reference(), fleet.current, fleet.baseline, seed=seed)
        flagged += found.severity != Severity.LOW
        first += FEATURES[0] in [row.name for row in found.flagged]
        raw += stats.ks_2samp(*fleet.raw).pvalue < 0.05
        print(f"\rshift {shift}: {seed + 1}/{runs}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return Outcome(shift, runs, flagged / runs, first / runs, raw / runs)


def cost_s(nights: int) -> float:
    """One comparison of so many nights in all, a third of them new; sketches are at hand."""
    fleet = drawn(Fleet(devices=10, epochs=30), seed=1)
    both = [
        _repeated(fleet.current, max(5, nights // 3)),
        _repeated(fleet.baseline, nights * 2 // 3),
    ]
    started = time.perf_counter()
    compare(reference(), *both)
    return time.perf_counter() - started


def _repeated(nights: Nights, count: int) -> Nights:
    """As many nights as wanted, each a little unlike the others."""
    places = np.arange(count) % len(nights)
    more = {name: column[places] for name, column in vars(nights).items()}
    random = np.random.default_rng(count)
    more["total"] = more["total"] + random.normal(0, 1, more["total"].shape)
    return Nights(**more)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    options = parser.parse_args()
    outcomes = [outcome(shift, options.runs) for shift in (0.0, 0.5)]
    costs = {size: cost_s(size) for size in SIZES}
    print(f"{FLEET.devices} devices, {FLEET.before} nights against {FLEET.after}")
    print("shift  runs  flagged  first feature  raw epochs")
    for row in outcomes:
        print(
            f"{row.shift:>5}{row.runs:>6}{row.flagged:>9.3f}{row.first_feature:>15.3f}"
            f"{row.raw_epochs:>12.3f}"
        )
    for size, seconds in costs.items():
        print(f"{size:>7} nights: {seconds:.2f} s")
    if target := os.environ.get("JSON"):
        kept = {"outcomes": [asdict(row) for row in outcomes], "seconds": costs}
        Path(target).write_text(json.dumps(kept, indent=1))
    calm, moved = outcomes
    is_well = calm.flagged <= FALSE_ALARMS and moved.first_feature >= POWER
    sys.exit(not (is_well and costs[SIZES[-1]] <= SECONDS_AT_MOST))


if __name__ == "__main__":
    main()
