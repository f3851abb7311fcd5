"""A model is fitted and its folder written; nothing is registered and nothing serves by it."""

import hashlib
from pathlib import Path

import inference.engine
import mlops.simulator
import mlops.training
from inference.artifacts import Loaded, LocalStore, files_of, loaded
from mlops.training import toys
from mlops.training.toys import Order, Trained
from noctis import errors

# What a model comes from besides its data and its order.
SOURCES = (inference.engine, mlops.simulator, mlops.training)


class FolderNotOfVersion(errors.Invalid):
    row = errors.registered(
        "folder_not_of_version",
        422,
        "A model's folder has another name",
        "The folder of a version is called as the version is.",
        "Give an output that ends in the version.",
    )


class TooEasy(errors.Conflict):
    row = errors.registered(
        "simulation_too_easy",
        409,
        "The simulated nights are too easy",
        "A model agrees better with simulated nights than any does with real ones.",
        "Make the simulator harder; nothing was written.",
    )


def train_on_simulated_nights(*, order: Order, output: Path) -> tuple[Loaded, Trained]:
    """Fit, judge and write a model. The same order again gives the same folder, or a refusal."""
    if output.name != order.version:
        raise FolderNotOfVersion(f"{output.name} is not {order.version}")
    trained = toys.train(order, code_revision())
    if trained.is_too_easy:
        raise TooEasy
    files = files_of(trained.draft)
    found = loaded(files)
    LocalStore(output.parent).keep(order.version, files)
    return found, trained


def code_revision() -> str:
    """A hash of the sources that decide what comes out, the same before and after a commit."""
    digest = hashlib.sha256()
    for package in SOURCES:
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{package.__name__}/{path.relative_to(folder)}\n".encode())
            digest.update(path.read_bytes())
    return f"sha256:{digest.hexdigest()}"
