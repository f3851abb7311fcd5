"""`make test`: pytest, then coverage.py's report of the lines that ran. Arguments are pytest's."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from coverage import Coverage, CoverageData
from coverage.exceptions import CoverageException

from tests.lines.sitecustomize import FOLDER, INDEX, SEEN

REPOSITORY = Path(__file__).parents[2]
SHORT_OF_IT = 2


def main(words: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="noctis-lines-") as name:
        folder = Path(name)
        starts = prepare(folder, sources())
        folders = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {FOLDER: name, "PYTHONPATH": os.pathsep.join(folders)}
        command = [sys.executable, "-m", "pytest", *words]
        status = subprocess.run(command, cwd=REPOSITORY, env=environment).returncode
        return report(lines_seen(folder, starts)) or status


def sources() -> list[Path]:
    """As `[tool.coverage.run]` says: the packages, without their migrations."""
    packages = Coverage(config_file=str(REPOSITORY / "pyproject.toml")).get_option("run:source")
    assert isinstance(packages, list)
    found = [path for name in packages for path in (REPOSITORY / name).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


def prepare(folder: Path, paths: list[Path]) -> dict[str, int]:
    """Where each module's lines begin in the one file of bytes."""
    starts, end = {}, 0
    for path in paths:
        starts[str(path)] = end
        end += path.read_text().count("\n") + 2  # lines count from 1, and the last may lack its end
    (folder / SEEN).write_bytes(bytes(end + 1))
    (folder / INDEX).write_text(json.dumps(starts))
    return starts


def lines_seen(folder: Path, starts: dict[str, int]) -> dict[str, list[int]]:
    seen = (folder / SEEN).read_bytes()
    ends = [*list(starts.values())[1:], len(seen)]
    return {
        path: [line for line, byte in enumerate(seen[start:end]) if byte]
        for (path, start), end in zip(starts.items(), ends, strict=True)
    }


def report(seen: dict[str, list[int]]) -> int:
    """Print coverage.py's table; not 0 where it is less than pyproject.toml asks for."""
    config = str(REPOSITORY / "pyproject.toml")
    data = CoverageData(str(REPOSITORY / ".coverage"))
    data.erase()
    data.add_lines(seen)
    data.touch_files(list(seen))
    data.write()
    found = Coverage(data_file=data.data_filename(), config_file=config)
    found.load()
    wanted = found.get_option("report:fail_under")
    assert isinstance(wanted, int | float)
    try:
        reached = found.report(show_missing=False)
    except CoverageException as error:
        sys.stderr.write(f"{error}\n")
        return SHORT_OF_IT
    if reached < wanted:
        sys.stderr.write(f"{reached:.1f} % of the lines ran, {wanted} % must\n")
    return SHORT_OF_IT if reached < wanted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
