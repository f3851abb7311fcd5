"""How a candidate does on the nights held out of it, beside nulls and what it might replace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inference.artifacts import Draft, Loaded
from inference.engine import Pass
from mlops.datasets import LabelledNight, Part, Snapshot
from mlops.evaluation import answers_of, majority_answers, verdict_of
from mlops.evaluation.answers import Answer
from mlops.training import trainers
from mlops.training.contextual_version import figures
from mlops.training.provenance import unseen_by

Nights = Sequence[LabelledNight]
OWN = "this model"


@dataclass(frozen=True)
class Judged:
    """`figures` by what answered, all of them by the same nights; nobody was fitted to any."""

    family: Pass
    nights: int
    people: int
    left_out: int  # held-out nights that one of the others was fitted to
    figures: dict[str, dict[str, Any]]
    unjudged: Mapping[str, str] = field(default_factory=dict)  # of the others, and why


def judge(family: Pass, draft: Draft, snapshot: Snapshot, others: Mapping[str, Loaded]) -> Judged:
    able = {name: one for name, one in others.items() if family in one.manifest.passes}
    unjudged = {name: f"does not offer the {family} pass" for name in others if name not in able}
    held_out = snapshot.of(Part.HELD_OUT)
    nights: list[LabelledNight] = list(held_out)
    for name, one in list(able.items()):
        left = unseen_by(one.manifest.metadata.training.recipe, nights)
        if left:
            nights = left
        else:
            unjudged[name] = "was fitted to all the nights that are held out"
            del able[name]
    answers = {OWN: answers_of(draft.model, nights, family)}
    answers |= {name: answers_of(one.model, nights, family) for name, one in able.items()}
    answers |= _nulls(snapshot.of(Part.FIT), nights, family)
    return Judged(
        family=family,
        nights=len(nights),
        people=len({night.person for night in nights}),
        left_out=len(held_out) - len(nights),
        figures={name: _figures(given) for name, given in answers.items()},
        unjudged=unjudged,
    )


def _nulls(fitting: Nights, nights: Nights, family: Pass) -> dict[str, list[Answer]]:
    """What knows nothing of the sleeper, counted on the same nights that fitted the candidate."""
    by_clock = trainers.by_the_clock(fitting)
    return {
        "null: always the commonest": majority_answers(fitting, nights),
        "null: clock and transitions": answers_of(by_clock, nights, family),
    }


def _figures(answers: Sequence[Answer]) -> dict[str, Any]:
    verdict = verdict_of(answers)
    by_stage = {
        stage: {
            "precision": one.precision,
            "recall": one.recall,
            "f1": one.f1,
            "support": one.support,
        }
        for stage, one in verdict.report.by_stage.items()
    }
    return figures(verdict) | {"by_stage": by_stage, "confusion": verdict.report.confusion}
