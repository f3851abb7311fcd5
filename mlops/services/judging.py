"""A version, or a way to train one, before nights whose true stages are known. Never writes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings

from inference.artifacts import Loaded, LocalStore, loaded
from inference.engine import Pass
from mlops.datasets import LabelledNight, Leak
from mlops.evaluation import Answer, Verdict, answers_of, verdict_of
from mlops.evaluation.answers import certain_answers, is_implausible
from mlops.evaluation.bars import bars_of
from mlops.evaluation.markdown import Judgement
from mlops.training import trainers
from mlops.training.contextual import LOOKS_AHEAD
from mlops.training.provenance import unseen_by
from noctis import errors
from recordings.stages import SHOWN

Nights = Sequence[LabelledNight]
NULL = "null-clock"
# Trainers that more is asked of than of a linear model.
NETS = ("net", "live-net")


class AllTrained(errors.Conflict):
    row = errors.registered(
        "judged_by_its_training",
        409,
        "These nights trained the version",
        "A version is never judged by people or nights that it was fitted to, and there are no "
        "others in the folder.",
        "`manage.py evaluate --leave-subjects-out` judges the way it was trained.",
    )


class PassNotJudged(errors.Conflict):
    row = errors.registered(
        "pass_not_judged",
        409,
        "The pass cannot be judged by these nights",
        "The version does not offer the pass, or all the nights hold what looks ahead.",
        "`--pass night`, or other nights.",
    )


class NightsNotApart(errors.Conflict):
    row = errors.registered(
        "nights_not_apart",
        409,
        "The nights cannot be split by person",
        "Too few people, or a night of one that is a copy of another's: who judges would not be "
        "kept apart from who trains.",
        "More people, each night once; or `--model VERSION` for a version that never saw them.",
    )


@dataclass(frozen=True)
class Judged:
    judgements: list[Judgement]
    left_out: int  # nights that trained the version
    implausible: int = 0  # nights that no sleeper made: judged as they are shown, undecided


def judge_version(*, version: str, nights: Nights, family: Pass) -> Judged:
    """Stage nights that the version never saw, and compare; its own are left out and counted."""
    found = _loaded(version)
    recipe = found.manifest.metadata.training.recipe
    unseen = unseen_by(recipe, nights)
    if not unseen:
        told = f"{len(nights)} nights, all of them shown to {version}"
        raise AllTrained(f"{told}; --leave-subjects-out trains anew")
    judgeable = [night for night in unseen if family == "night" or night.source not in LOOKS_AHEAD]
    if family not in found.manifest.passes or not judgeable:
        raise PassNotJudged(f"{version} offers {', '.join(found.manifest.passes)}")
    answers = answers_of(found.model, judgeable, family)
    nulls = {
        "null: its training's commonest": certain_answers(_shares(found), judgeable),
        "null: clock and transitions": answers_of(_loaded(NULL).model, judgeable, family),
    }
    kind = "net" if found.model.head.kind == "onnx" else "linear"
    judgements = _by_source(f"{version}, {family}", answers, nulls, kind)
    implausible = sum(is_implausible(found.model, night) for night in judgeable)
    return Judged(judgements, len(nights) - len(unseen), implausible)


def judge_trainer(
    *, name: str, nights: Nights, folds: int, family: Pass, tell: Callable[[str], None]
) -> Judged:
    """Train without some people, again and again, and judge by those; nulls on the same folds."""
    try:
        answers = trainers.judged(
            trainers.TRAINERS[name](), nights, folds=folds, family=family, tell=tell
        )
    except Leak as leak:
        raise NightsNotApart(str(leak)) from None
    if not answers:
        raise PassNotJudged
    kind = "net" if name in NETS else "linear"
    judgements = _by_source(f"{name}, {family}", answers, trainers.nulls(nights, folds), kind)
    return Judged(judgements, 0)


def _by_source(
    model: str, answers: Sequence[Answer], nulls: Mapping[str, Sequence[Answer]], kind: str
) -> list[Judgement]:
    found = []
    for source in sorted({answer.night.source for answer in answers}):
        verdict = _of_source(source, answers)
        beside = {name: _of_source(source, null) for name, null in nulls.items()}
        found.append(Judgement(source, model, verdict, beside, bars_of(verdict, source, kind)))
    return found


def _of_source(source: str, answers: Sequence[Answer]) -> Verdict:
    return verdict_of([answer for answer in answers if answer.night.source == source])


def _loaded(version: str) -> Loaded:
    """From the store that serves, or from what ships."""
    for folder in (settings.MODELS_DIR, settings.SHIPPED_MODELS_DIR):
        if (folder / version).is_dir():
            return loaded(LocalStore(folder).read(version))
    return loaded(LocalStore(settings.MODELS_DIR).read(version))


def _shares(found: Loaded) -> np.ndarray:
    said = found.manifest.metadata.drift_reference.get("stages", {})
    return np.array([float(said.get(name, 0.0)) for name in SHOWN])
