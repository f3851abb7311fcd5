"""Leave-subjects-out: a trainer sees everybody but some, and answers for those."""

from collections.abc import Callable, Sequence

from inference.engine import Model, Pass
from mlops.datasets import LabelledNight, folds_by_subject
from mlops.evaluation.answers import Answer, answers_of

# Whatever a trainer tunes, it tunes within the nights it is given, by splits of its own.
Trainer = Callable[[Sequence[LabelledNight]], Model]
FOLDS = 8


def leave_subjects_out(
    trainer: Trainer,
    nights: Sequence[LabelledNight],
    *,
    folds: int = FOLDS,
    family: Pass = "night",
    tell: Callable[[str], None] | None = None,
) -> list[Answer]:
    """An answer for every night, by a model that was shown nothing of its sleeper."""
    answers: list[Answer] = []
    split = folds_by_subject(nights, folds)
    for fold in split:
        model = trainer(fold.fitting)
        answers += answers_of(model, fold.held_out, family)
        if tell is not None:
            tell(f"fold {fold.number + 1} of {len(split)}: {len(fold.held_out)} nights")
    return answers
