"""`make chaos`: everything that must be shown, one after the other, then a table of what was.

`--list` runs nothing: each row, its command, and its last figures as docs/testing.md has them."""

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TOLD = ("kills", "acknowledged", "compared", "served", "ingest", "memory", "sessions", "staged")
TOLD += ("refused in", "healed", "cut short")
COUNTS = re.compile(rf"({'|'.join(TOLD)})\b|control: |the platform|=* ?\d+ (passed|failed)")
RECORD = Path(__file__).resolve().parents[2] / "docs" / "testing.md"
PYTEST = ("pytest", "-q")


@dataclass(frozen=True)
class Part:
    """`typed` is what a person types for it alone; the controls say what must fail beside it."""

    what: str
    typed: str
    controls: str
    command: tuple[str, ...]


PARTS = (
    Part(
        "kill -9 of web workers, masters and PostgreSQL during ingest",
        "make kills",
        "synchronous_commit off loses; without the unique key some are doubled",
        ("tests.chaos",),
    ),
    Part(
        "kill -9 of what stages",
        "make kills-staging",
        "without sweeps nights stay undone; committed in pieces leaves halves",
        ("tests.chaos.staging", "--kills", "60"),
    ),
    Part(
        "latency, drip, reset, cut after the work, partitions of a minute, before both servers",
        "make weather",
        "who believes what was sent loses; without the unique key some are doubled",
        ("tests.chaos.network",),
    ),
    Part(
        "an open circuit answers in under 50 ms",
        "make circuit",
        "without a circuit half a second",
        ("tests.chaos.circuit",),
    ),
    Part(
        "three times the peak",
        "make overload",
        "none: its bars are figures",
        ("tests.chaos.overload",),
    ),
    Part(
        "ingest without a model, and with Valkey killed",
        ".venv/bin/python -m pytest tests/chaos/test_without_neighbours.py",
        "with Valkey killed a sign-in is refused",
        (*PYTEST, "tests/chaos/test_without_neighbours.py"),
    ),
    Part(
        "every route, method and role x {own, other tenant's, absent, malformed}",
        ".venv/bin/python -m pytest tests/test_routes.py tests/test_routes_found_out.py",
        "rows of all tenants, roles not asked for, an answer that tells apart: found",
        (*PYTEST, "-n", "2", "tests/test_routes.py", "tests/test_routes_found_out.py"),
    ),
    Part(
        "token attacks",
        ".venv/bin/python -m pytest tests/tenants -k token_attacks",
        "without the signature's check, or the claims', forgeries get in",
        (*PYTEST, "tests/tenants", "-k", "token_attacks"),
    ),
    Part(
        "schemathesis over the OpenAPI document",
        "make fuzz",
        "four untrue documents and a broken view are found",
        (*PYTEST, "-n", "2", "tests/noctis/test_schemathesis.py"),
    ),
    Part(
        "a restored backup is equal",
        "make backup-proof",
        "one flipped byte, one changed value, one missing row: found",
        (*PYTEST, "tests/operations/test_backup.py", "tests/operations/test_backup_refused.py"),
    ),
)


def main(words: list[str]) -> int:
    if words == ["--list"]:
        for part in PARTS:
            tell("", part, [f"control: {part.controls}", f"last: {last_figures(part)}"])
        return 0
    rows = [_row(part) for part in PARTS]
    sys.stdout.write("\nwhat must be shown\n")
    for part, is_shown, took_s, told in rows:
        verdict = "shown" if is_shown else "NOT SHOWN"
        tell(f"{verdict:10} ", part, [*told, f"in {took_s:.0f} s; last: {last_figures(part)}"])
    return 0 if all(is_shown for _, is_shown, _, _ in rows) else 1


def tell(verdict: str, part: Part, lines: list[str]) -> None:
    sys.stdout.write(f"\n{verdict}{part.what}: `{part.typed}`\n")
    sys.stdout.writelines(f"           {line}\n" for line in lines)


def last_figures(part: Part) -> str:
    """The last column of the row in docs/testing.md that names the command."""
    for line in RECORD.read_text().splitlines():
        if line.startswith("| ") and f"| `{part.typed}` |" in line:
            return line.rstrip(" |").rpartition(" | ")[2]
    raise LookupError(f"docs/testing.md has no row of `{part.typed}`")


def _row(part: Part) -> tuple[Part, bool, float, list[str]]:
    """Runs it in the open, and keeps the lines that count."""
    began = time.monotonic()
    command = [sys.executable, "-m", *part.command]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        told = []
        for line in running.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            if COUNTS.match(line):
                told.append(line.strip(" =\n"))
    return part, running.returncode == 0, time.monotonic() - began, told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
