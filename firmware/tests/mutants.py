"""Seeded mutants of log, uploader, updates and parser: one change each, which tests must see.

`python tests/mutants.py [--each N] [--seed S]`; survivors are listed, and explained in docs."""

import argparse
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGETS = ("flash_log", "uploader", "ota", "ota_fetch", "radar_frame", "config")
KILLED_PERCENT = 90.0
# Of the processor: a busy machine must not pass for a mutant that hangs.
LONGEST_RUN_S = 3
LONGEST_WAIT_S = 300
FLAGS = ["-std=c11", "-O1", "-w", "-ffp-contract=off", "-Icore/include", "-Iports/host"]
# What is written, and what somebody might have written instead.
SWAPS = (
    (r" < ", " <= "),
    (r" <= ", " < "),
    (r" > ", " >= "),
    (r" >= ", " > "),
    (r" == ", " != "),
    (r" != ", " == "),
    (r" && ", " || "),
    (r" \|\| ", " && "),
    (r" \+ 1\b", ""),
    (r" - 1\b", ""),
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
    (r"if \(!", "if ("),
    (r"return !", "return "),
    (r"\+\+", "--"),
    (r"\bLOG_OK\b", "LOG_FAILED"),
    (r"\bOTA_OK\b", "OTA_STORAGE"),
    (r"\b0\b", "1"),
    (r"\b1\b", "2"),
)
# A statement of its own, which can be left out.
STATEMENT = re.compile(
    r"^\s+(?!return|break|continue|const|static|uint|int|log_|size_t|char|bool)\S.*;$"
)


@dataclass(frozen=True)
class Mutant:
    target: str
    line: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.target}.c:{self.line}: `{self.before.strip()}` -> `{self.after.strip()}`"


def mutants_of(target: str) -> Iterator[Mutant]:
    """Every single change that the table knows; comments and declarations stay."""
    for number, line in enumerate((ROOT / f"core/src/{target}.c").read_text().splitlines(), 1):
        if line.lstrip().startswith(("/*", "*", "#", "//")):
            continue
        code = line.split("/*")[0]
        for pattern, other in SWAPS:
            for found in re.finditer(pattern, code):
                after = line[: found.start()] + other + line[found.end() :]
                yield Mutant(target, number, line, after)
        if STATEMENT.match(line):
            yield Mutant(target, number, line, ";")


class Bench:
    """Objects of everything that stays as it is, and a try of what does not."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.compiler = folder, shutil.which("gcc") or "cc"
        host = ["ports/host/nor_ram.c", "ports/host/board.c"]
        core = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("core/src/*.c"))
        unit = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/unit/*.c"))
        self.parts = {source: self._object(source) for source in [*core, *host, *unit]}
        self.unit = unit
        self.powercut = self._object("tests/powercut/test_powercut.c")

    def _object(self, source: str) -> str:
        target = str(self.folder / (Path(source).parent.name + "_" + Path(source).stem + ".o"))
        command = [self.compiler, *FLAGS, "-c", source, "-o", target]
        subprocess.run(command, cwd=ROOT, check=True)
        return target

    def try_out(self, mutant: Mutant) -> str:
        """`killed`, `survived`, or `unfit` where it does not compile."""
        name = f"core/src/{mutant.target}.c"
        lines = (ROOT / name).read_text().splitlines()
        lines[mutant.line - 1] = mutant.after
        source = self.folder / f"{mutant.target}.c"
        source.write_text("\n".join(lines) + "\n")
        changed = str(self.folder / "changed.o")
        folders = ["-Icore/src"]
        command = [self.compiler, *FLAGS, *folders, "-c", str(source), "-o", changed]
        if subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode:
            return "unfit"
        rest = [part for path, part in self.parts.items() if path != name]
        if not self._passes([*rest, changed]):
            return "killed"
        without_units = [self.parts[p] for p in self.parts if p != name and p not in self.unit]
        return "survived" if self._passes([*without_units, self.powercut, changed]) else "killed"

    def _passes(self, objects: list[str]) -> bool:
        program = str(self.folder / "program")
        subprocess.run([self.compiler, *objects, "-lm", "-o", program], check=True)
        try:
            ran = subprocess.run(
                [program],
                capture_output=True,
                timeout=LONGEST_WAIT_S,
                check=False,
                preexec_fn=limit_processor,
                env=os.environ | {"STOP_AT_FIRST": "1"},
            )
        except subprocess.TimeoutExpired:
            return False
        return ran.returncode == 0


def limit_processor() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_RUN_S, LONGEST_RUN_S))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def judge(bench: Bench, target: str, each: int, seed: int) -> tuple[int, list[Mutant]]:
    """How many of a file's mutants were tried, and which lived."""
    everything = list(mutants_of(target))
    random.Random(f"{seed}{target}").shuffle(everything)  # noqa: S311 - a repeatable choice
    tried, survivors = 0, []
    for mutant in everything:
        if tried == each:
            break
        verdict = bench.try_out(mutant)
        tried += verdict != "unfit"
        if verdict == "survived":
            survivors.append(mutant)
            say(f"  survived {mutant}")
    return tried, survivors


def main() -> int:
    words = argparse.ArgumentParser(prog="mutants")
    words.add_argument("--each", type=int, default=60, help="mutants of each file")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--only", choices=TARGETS)
    asked = words.parse_args()
    tried = survived = 0
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for target in [asked.only] if asked.only else TARGETS:
            count, survivors = judge(bench, target, asked.each, asked.seed)
            say(f"{target}: {count - len(survivors)} of {count} killed")
            tried, survived = tried + count, survived + len(survivors)
    percent = 100 * (tried - survived) / tried
    say(f"{tried} mutants, {percent:.1f} % killed (at least {KILLED_PERCENT:g} %)")
    return int(percent < KILLED_PERCENT)


if __name__ == "__main__":
    sys.exit(main())
