"""A model is fitted to scored nights and its folder written; nothing serves by it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from inference.artifacts import Loaded, LocalStore, files_of, loaded
from mlops.datasets import LabelledNight
from mlops.evaluation.markdown import Judgement
from mlops.services import judging
from mlops.services.training import FolderNotOfVersion
from mlops.training import contextual_card, contextual_version
from mlops.training.contextual_version import Order


def train_linear(
    *,
    version: str,
    nights: Sequence[LabelledNight],
    folds: int,
    output: Path,
    tell: Callable[[str], None],
) -> tuple[Loaded, list[Judgement]]:
    """Judge leave-subjects-out, fit to all nights and write. The same again gives the same."""
    if output.name != version:
        raise FolderNotOfVersion(f"{output.name} is not {version}")
    found = judging.judge_trainer(
        name="linear", nights=nights, folds=folds, family="night", tell=tell
    ).judgements
    order = Order(
        version,
        {one.source: contextual_version.figures(one.verdict) for one in found},
        contextual_card.markdown_card(version, found),
    )
    files = files_of(contextual_version.draft(order, nights))
    written = loaded(files)
    LocalStore(output.parent).keep(version, files)
    return written, found
