"""A convolution net is fitted, judged and its folder written; only this asks for torch."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from inference.artifacts import Loaded, LocalStore, files_of, loaded
from inference.engine import Pass
from mlops.datasets import LabelledNight
from mlops.services.training import FolderNotOfVersion
from noctis import errors


class TrainingExtraMissing(errors.Conflict):
    row = errors.registered(
        "training_extra_missing",
        409,
        "torch is not installed",
        "Nets are fitted with the optional `train` extra, which the platform does without.",
        "`pip install --require-hashes -r requirements-train.lock` in an environment of its own.",
    )


def train_network(
    *,
    version: str,
    family: Pass,
    seed: int,
    nights: Sequence[LabelledNight],
    output: Path,
) -> Loaded:
    """Fit, judge and write the folder. The same again gives the same, or a refusal."""
    if output.name != version:
        raise FolderNotOfVersion(f"{output.name} is not {version}")
    versions = _versions()
    order = versions.Order(version, family, seed)
    files = files_of(versions.draft(order, nights))
    found = loaded(files)
    LocalStore(output.parent).keep(version, files)
    return found


def _versions() -> ModuleType:
    try:
        return importlib.import_module("mlops.training.convolution.versions")
    except ModuleNotFoundError as error:
        raise TrainingExtraMissing(f"no module {error.name}") from None
