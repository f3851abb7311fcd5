"""`make chaos`: every long form one after the other, then what had to be shown, with its counts."""

import re
import subprocess
import sys
import time
from dataclasses import dataclass

TOLD = ("kills", "acknowledged", "compared", "served", "ingest", "memory", "sessions", "staged")


@dataclass(frozen=True)
class Part:
    what: str
    command: tuple[str, ...]


PARTS = (
    Part("kill -9 of web workers, masters and PostgreSQL, and two controls", ("tests.chaos",)),
    Part("kill -9 of what stages, and two controls", ("tests.chaos.staging", "--kills", "60")),
    Part("latency, drip, reset, cut, partitions, and two controls", ("tests.chaos.network",)),
    Part("three times the peak", ("tests.chaos.overload",)),
)


def main() -> int:
    rows = [_row(part) for part in PARTS]
    sys.stdout.write("\nwhat must be shown\n")
    for part, is_shown, took_s, told in rows:
        verdict = "shown" if is_shown else "NOT SHOWN"
        sys.stdout.write(f"\n{verdict:10} {part.what} ({took_s:.0f} s)\n")
        sys.stdout.writelines(f"           {line}\n" for line in told)
    return 0 if all(is_shown for _, is_shown, _, _ in rows) else 1


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
            if re.match(rf"({'|'.join(TOLD)})\b|control: |the platform", line):
                told.append(line.rstrip())
    return part, running.returncode == 0, time.monotonic() - began, told


if __name__ == "__main__":
    sys.exit(main())
