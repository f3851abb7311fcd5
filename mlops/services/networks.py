"""A convolution net is fitted, judged and its folder written; only this asks for torch."""

from collections.abc import Sequence
from pathlib import Path

from inference.artifacts import Loaded, LocalStore, files_of, loaded
from inference.engine import Pass
from mlops.datasets import LabelledNight
from mlops.services.training import FolderNotOfVersion
from mlops.training.extra import needed


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
    versions = needed("mlops.training.convolution.versions")
    order = versions.Order(version, family, seed)
    files = files_of(versions.draft(order, nights))
    found = loaded(files)
    LocalStore(output.parent).keep(version, files)
    return found
