"""Run the suites on a build that counts, and demand lines and branches of core/ be executed."""

import json
import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).parents[1] / "build" / "coverage"
LINES_PERCENT, BRANCHES_PERCENT = 95.0, 90.0


def reports() -> list[dict]:
    """What gcov says of each source of the core."""
    found = []
    for data in sorted(BUILD.glob("CMakeFiles/core.dir/core/src/*.gcda")):
        command = ["gcov", "--json-format", "--stdout", "--branch-probabilities", str(data)]
        out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=BUILD)
        found += [f for f in json.loads(out.stdout)["files"] if "/core/src/" in f["file"]]
    return found


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> int:
    """Print a line a file, those not covered, and whether the bars are reached."""
    totals = [0, 0, 0, 0]
    for report in reports():
        lines = [line["count"] > 0 for line in report["lines"]]
        branches = [b["count"] > 0 for line in report["lines"] for b in line["branches"]]
        counts = [sum(lines), len(lines), sum(branches), len(branches)]
        totals = [a + b for a, b in zip(totals, counts, strict=True)]
        missed = [line["line_number"] for line in report["lines"] if not line["count"]]
        name = Path(report["file"]).name
        say(f"{name:16} lines {counts[0]}/{counts[1]} branches {counts[2]}/{counts[3]} {missed}")
    lines_percent, branches_percent = 100 * totals[0] / totals[1], 100 * totals[2] / totals[3]
    say(f"core: lines {lines_percent:.1f} %, branches {branches_percent:.1f} %")
    return int(lines_percent < LINES_PERCENT or branches_percent < BRANCHES_PERCENT)


if __name__ == "__main__":
    sys.exit(main())
