"""The repository's own files, as the tests of the house rules read them."""

import subprocess
from pathlib import Path, PurePosixPath

from tests.source_rules import Module

REPOSITORY = Path(__file__).parents[1]


def _files() -> list[PurePosixPath]:
    """What is or will be in the repository: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [PurePosixPath(name) for name in listed.splitlines() if (REPOSITORY / name).is_file()]


FILES = _files()
MODULES = [
    Module(path, (REPOSITORY / path).read_text())
    for path in FILES
    if path.suffix == ".py" and "migrations" not in path.parts
]
