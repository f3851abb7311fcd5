"""The trainers that can be judged leave-subjects-out, and the nulls beside any of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from inference.engine import Model, Pass
from mlops.datasets import LabelledNight, folds_by_subject
from mlops.evaluation import FOLDS, Answer, answers_of, leave_subjects_out, majority_answers
from mlops.evaluation.crossval import Trainer
from mlops.sources import COLUMNS
from mlops.training import clock, contextual_fit
from mlops.training.contextual import EVIDENCE, LOOKS_AHEAD, Design, Prepared
from mlops.training.convolution.design import DESIGNS
from mlops.training.extra import needed
from recordings.stages import SHOWN

Nights = Sequence[LabelledNight]
INNER = 4


def linear() -> Trainer:
    prepared = Prepared(Design())
    return lambda nights: contextual_fit.train(prepared, nights)


def net(family: Pass = "night", seed: int = 1) -> Trainer:
    bagging = needed("mlops.training.convolution.bagging")
    design = replace(DESIGNS[family], seed=seed)
    return lambda nights: bagging.train(design, nights).model


def by_the_clock(nights: Nights) -> Model:
    """Tuned on people that its table was not counted from."""
    fold = folds_by_subject(nights, INNER)[0]
    return clock.train(SHOWN, COLUMNS, EVIDENCE, fold.fitting, fold.held_out)


# Each made anew for a run: what one prepares of its nights goes with it.
TRAINERS: Mapping[str, Callable[[], Trainer]] = {
    "linear": linear,
    "net": net,
    "live-net": lambda: net("live"),
    "clock": lambda: by_the_clock,
}


def judged(
    trainer: Trainer,
    nights: Nights,
    *,
    folds: int = FOLDS,
    family: Pass = "night",
    tell: Callable[[str], None] | None = None,
) -> list[Answer]:
    """Answers for people never seen; what looks ahead judges no live pass."""
    answers = leave_subjects_out(trainer, nights, folds=folds, family=family, tell=tell)
    if family == "night":
        return answers
    return [one for one in answers if one.night.source not in LOOKS_AHEAD]


def nulls(nights: Nights, folds: int = FOLDS) -> dict[str, list[Answer]]:
    """On the same folds: always the commonest stage, and the clock with transitions."""
    majority: list[Answer] = []
    by_clock: list[Answer] = []
    for fold in folds_by_subject(nights, folds):
        majority += majority_answers(fold.fitting, fold.held_out)
        by_clock += answers_of(by_the_clock(fold.fitting), fold.held_out)
    return {"null: always the commonest": majority, "null: clock and transitions": by_clock}
