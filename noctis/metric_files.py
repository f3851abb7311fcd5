"""The folder through which processes share their metrics: read as one, and kept from growing.

Knows no Django: the web server's settings import it before anything else."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Metric, multiprocess
from prometheus_client.mmap_dict import MmapedDict

from noctis.process_names import HOST, process_name

GONE = "gone"
LOCK = ".lock"
Values = dict[str, tuple[float, float]]


class _Together(multiprocess.MultiProcessCollector):
    """Never looks while files are folded: a count seen twice, or not at all, looks like a reset."""

    def collect(self) -> Iterable[Metric]:
        with _held(Path(self._path), fcntl.LOCK_SH):
            return list(super().collect())


def registry() -> CollectorRegistry:
    """Every number of this process, or of all that share the folder."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    shared = CollectorRegistry()
    _Together(shared)
    return shared


def by_process() -> dict[str, list[Metric]]:
    """The same of each process by itself; under `gone` what the dead of this host had counted."""
    if not (folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR")):
        return {process_name(): list(REGISTRY.collect())}
    with _held(Path(folder), fcntl.LOCK_SH):
        files: dict[str, list[str]] = {}
        for path in sorted(Path(folder).glob("*.db")):
            files.setdefault(path.stem.rpartition("_")[2], []).append(str(path))
        return {
            GONE if name.endswith(f"-{GONE}") else name: list(_Together.merge(known))
            for name, known in files.items()
        }


def fold_dead() -> int:
    """Add the files of this host's dead processes to one, so that the folder does not grow with
    every crash; what they counted stays counted, and what they were is forgotten. Safe to repeat.

    Whoever is killed in here leaves at worst one dead process counted twice."""
    folder = Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR") or "")
    if folder == Path():
        return 0
    with _held(folder, fcntl.LOCK_EX):
        dead = [path for path in sorted(folder.glob(f"*_{HOST}-*.db")) if _is_dead(path)]
        for path in dead:
            if not path.name.startswith("gauge_live"):
                _fold(path)
            path.unlink()
    return len(dead)


def _is_dead(path: Path) -> bool:
    number = path.stem.rpartition("-")[2]
    return number.isdecimal() and not Path(f"/proc/{number}").exists()


def _fold(path: Path) -> None:
    kind = path.name.partition(f"_{HOST}-")[0]
    kept = path.with_name(f"{kind}_{HOST}-{GONE}.db")
    values = _read(kept) if kept.exists() else {}
    for key, (value, at) in _read(path).items():
        before, known_at = values.get(key, (0.0, 0.0))
        if not kind.startswith("gauge"):
            values[key] = before + value, 0.0
        elif at >= known_at:
            values[key] = value, at
    written = kept.with_suffix(".new")
    written.unlink(missing_ok=True)
    file = MmapedDict(str(written))
    for key, (value, at) in values.items():
        file.write_value(key, value, at)
    file.close()
    written.replace(kept)


def _read(path: Path) -> Values:
    found = MmapedDict.read_all_values_from_file(str(path))
    return {key: (value, at) for key, value, at, _ in found}


@contextmanager
def _held(folder: Path, how: int) -> Iterator[None]:
    with open(os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600), "rb") as lock:
        fcntl.flock(lock, how)
        yield
