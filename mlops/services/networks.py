"""A convolution net is fitted, judged and its folder written; only this asks for torch."""

from collections.abc import Callable, Sequence
from pathlib import Path

from inference.artifacts import Loaded, LocalStore, files_of, loaded
from inference.engine import Pass
from mlops.datasets import LabelledNight
from mlops.services.training import FolderNotOfVersion
from mlops.training import trainers
from mlops.training.extra import needed

# A net's fit takes a minute: half of the folds that a linear model is judged by.
FOLDS = 4


def train_network(
    *,
    version: str,
    family: Pass,
    seed: int,
    nights: Sequence[LabelledNight],
    output: Path,
    tell: Callable[[str], None],
) -> Loaded:
    """Judge leave-subjects-out, fit to all nights and write. The same again gives the same."""
    if output.name != version:
        raise FolderNotOfVersion(f"{output.name} is not {version}")
    versions = needed("mlops.training.convolution.versions")
    order = versions.Order(version, family, seed)
    answers = trainers.judged(
        trainers.net(family, seed), nights, folds=FOLDS, family=family, tell=tell
    )
    files = files_of(versions.draft(order, nights, answers))
    found = loaded(files)
    LocalStore(output.parent).keep(version, files)
    return found
