"""A training run as a process of its own: `python -m mlops.training ORDER.json PARENT`, a file in,
a folder out. It reaches no database, keeps to its memory, and ends with whoever started it."""

import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

import msgspec

from inference.artifacts import LocalStore, loaded
from inference.engine import Pass
from mlops.datasets import Leak, unpacked
from mlops.training import candidates
from mlops.training.recipes import Order
from noctis import errors

LOOKS_EVERY_S = 1.0
RESULT, ARTIFACT = "result.json", "artifact"


class Job(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be done: which file of nights, by which recipe, beside which versions."""

    snapshot: str
    version: str
    recipe: str
    family: Pass
    seed: int
    hyperparameters: dict[str, float]
    # Of the versions that it is judged beside, by name.
    others: dict[str, str]
    memory_bytes: int


class Line(msgspec.Struct, frozen=True):
    """What is told on the way, a line each on the standard output."""

    progress: float
    says: str


def main(path: Path, parent: int) -> int:
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    job = msgspec.json.decode(path.read_bytes(), type=Job)
    resource.setrlimit(resource.RLIMIT_AS, (job.memory_bytes, job.memory_bytes))
    try:
        _train(job, path.parent)
    except (Leak, errors.Refusal) as refused:
        return _failed(str(getattr(refused, "detail", refused)))
    except MemoryError:
        return _failed(f"needs more than {job.memory_bytes // 2**20} MB of memory")
    return 0


def _train(job: Job, folder: Path) -> None:
    raw = Path(job.snapshot).read_bytes()
    others = {
        name: loaded(LocalStore(Path(place).parent).read(name))
        for name, place in job.others.items()
    }
    order = Order(job.version, job.recipe, job.family, job.seed, job.hyperparameters)
    made = candidates.make(order, unpacked(raw), others, _tell)
    LocalStore(folder / ARTIFACT).keep(job.version, made.files)
    # Last, and whole or not at all: where it is, the work is done.
    draft = folder / f".{RESULT}"
    draft.write_bytes(msgspec.json.encode(made.judged))
    draft.rename(folder / RESULT)


def _tell(progress: float, says: str) -> None:
    sys.stdout.write(msgspec.json.encode(Line(progress, says)).decode() + "\n")
    sys.stdout.flush()


def _failed(why: str) -> int:
    sys.stderr.write(f"failed: {why}\n")
    return 2


def _end_with(parent: int) -> None:
    """Whoever started this and was killed cannot end it: it ends itself, its children with it."""
    while os.getppid() == parent:
        time.sleep(LOOKS_EVERY_S)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
