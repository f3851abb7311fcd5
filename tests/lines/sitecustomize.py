"""Read by every Python process of a measured run, at its start: modules are imported with probes.

A probe is a byte set in one file that all processes map; kill -9 takes nothing of it away."""

import builtins
import json
import marshal
import mmap
import os
import tempfile
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

FOLDER, INDEX, SEEN = "COVERAGE_LINES", "index.json", "seen"


def watch(folder: Path) -> None:
    """From now on the modules that the index names are imported with probes."""
    starts: dict[str, int] = json.loads((folder / INDEX).read_text())
    with (folder / SEEN).open("r+b") as file:
        # A builtin, so that no module's own names change.
        builtins.__lines__ = mmap.mmap(file.fileno(), 0)  # type: ignore[attr-defined]  # new there
    unwatched = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, name: str) -> CodeType | None:
        path = loader.get_filename(name)
        if path not in starts:
            return unwatched(loader, name)
        return _kept(folder / str(starts[path]), loader.get_data(path), path, starts[path])

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]  # the hook there is


def _kept(cache: Path, source: bytes, path: str, start: int) -> CodeType:
    """Compiled once in a run, as it would be without probes."""
    try:
        code = marshal.loads(cache.read_bytes())
    except FileNotFoundError:
        # Most processes find every module compiled, and need no parser.
        code = import_module("probes").with_probes(source, path, start)
        with tempfile.NamedTemporaryFile(dir=cache.parent, delete=False) as file:
            file.write(marshal.dumps(code))
        os.replace(file.name, cache)
    assert isinstance(code, CodeType)
    return code


# Another user's process may not write there, and one that outlives the run finds nothing.
if os.access(Path(os.environ.get(FOLDER, ""), SEEN), os.W_OK):
    watch(Path(os.environ[FOLDER]))
