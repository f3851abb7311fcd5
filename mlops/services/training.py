"""A model is fitted and its folder written; nothing is registered and nothing serves by it."""

from pathlib import Path

from inference.artifacts import Loaded, LocalStore, files_of, loaded
from mlops.training import toys
from mlops.training.toys import Order, Trained
from noctis import errors


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
    trained = toys.train(order)
    if trained.is_too_easy:
        raise TooEasy
    files = files_of(trained.draft)
    found = loaded(files)
    LocalStore(output.parent).keep(order.version, files)
    return found, trained
