"""A night beside what a model made of it, epoch by epoch, in the stages that are shown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.engine import Model, Pass
from inference.engine.golden import STAGE
from inference.plausibility import plausibility_of, undecided
from mlops.agreement import Compared
from mlops.datasets import LabelledNight
from recordings.stages import SHOWN, shown_places

Nights = Sequence[LabelledNight]


@dataclass(frozen=True)
class Answer:
    night: LabelledNight
    compared: Compared  # stages as places in SHOWN


def answers_of(model: Model, nights: Nights, family: Pass = "night") -> list[Answer]:
    """What the engine answers, as it would be shown: calibrated, decoded, gaps left out, and
    undecided of a night that no sleeper made."""
    # A finer model's labels are added up, N1 and N2 to Light.
    sums = np.eye(len(SHOWN))[shown_places(model.codes)]
    answers = []
    for night in nights:
        staged = STAGE[family](model, night.night)
        if family == "night" and is_implausible(model, night):
            staged = undecided(staged)
        shares = staged.probabilities.astype(np.float64) @ sums
        given = shown_places(staged.stages)
        answers.append(Answer(night, Compared(night.stages, given, shares)))
    return answers


def is_implausible(model: Model, night: LabelledNight) -> bool:
    return plausibility_of(night.features, model.features).is_implausible


def majority_answers(fitting: Nights, nights: Nights) -> list[Answer]:
    """The null that always says what is commonest, and is as sure as it is common."""
    known = np.concatenate([night.stages[night.stages >= 0] for night in fitting])
    return certain_answers(np.bincount(known, minlength=len(SHOWN)) / max(len(known), 1), nights)


def certain_answers(shares: NDArray[np.float64], nights: Nights) -> list[Answer]:
    """The same answer for every epoch: the stage with the largest of the (stages,) shares."""
    most = np.int8(shares.argmax())
    return [
        Answer(
            night,
            Compared(
                night.stages,
                np.full(len(night.stages), most, np.int8),
                np.tile(shares, (len(night.stages), 1)),
            ),
        )
        for night in nights
    ]
