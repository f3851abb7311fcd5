"""The two models fitted to simulated nights: the clock, and a linear one that lets all else run.

Neither says anything about how well a real night is staged, and their cards say so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.artifacts import Draft, Source, Training
from inference.engine import Model, Night, Pass
from inference.engine.golden import record
from mlops.simulator.tables import FEATURES
from mlops.training import cards, clock, judging, linear
from mlops.training.cards import Card
from mlops.training.judging import Judged
from mlops.training.linear import Design
from mlops.training.nights import Parts, simulated
from mlops.training.reference import drift_reference
from recordings.schemas import ACTIVE_VERSION, SHIPPED
from recordings.stages import SHOWN

PASSES: tuple[Pass, ...] = ("live", "night")
# Bits are no quantities: a linear model would take one for the double of another.
LEFT_OUT = ("flags", "agree_flags")
# What is measured of a person, and not also of an empty bed or by a sensor that is dead: there
# breathing seems to pause, and the accelerometer's noise lies in the band of breathing as well.
EVIDENCE = (
    "hr_mean",
    "rr_mean",
    "large_move_pct",
    "minor_move_pct",
    "turnovers_delta",
    "vib_move_pct",
)
GOLDEN = slice(200, 300)
# Places in there where all is dead but the flags, and where the bed is empty.
DEAD, EMPTY = slice(40, 44), slice(50, 54)
RATES = ("hr_mean", "hr_std", "dhr", "rr_mean", "rr_std", "drr")
EMPTY_BED = dict.fromkeys(RATES, np.nan) | {"flags": 79.0, "vib_resp_q": 30.0, "agree_flags": 8.0}
SOURCE = Source(
    name="simulated nights",
    licence="none needed: made by this code, no person's data in it",
    attribution="mlops/simulator: a Markov chain with hourly rates of real nights, made-up signals",
)
# To be raised when the code gives another model for the same order: a test tells. Not a commit,
# so that one which changes nothing here does not change the artifact's hash either.
REVISION = "toys-3"
# Above this the simulator would be too easy to tell a good model from a bad one.
TOO_EASY = 0.75


@dataclass(frozen=True)
class Order:
    """A training run, and all that its result depends on besides the code."""

    version: str
    head: str
    nights: int
    held_out: int
    seed: int

    @property
    def command(self) -> str:
        return (
            f"manage.py train --version {self.version} --head {self.head} "
            f"--simulated-nights {self.nights} --held-out {self.held_out} --seed {self.seed} "
            f"--output models/{self.version}"
        )


@dataclass(frozen=True)
class Toy:
    """A way to fit, and what is to be said of the outcome."""

    fit: Callable[[Parts], Model]
    summary: str
    lead: str
    weaknesses: tuple[str, ...]
    used: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    recipe: Mapping[str, Any] | None = None


DESIGN = Design(SHOWN, FEATURES, EVIDENCE, left_out=LEFT_OUT)
TOYS = {
    "clock": Toy(
        fit=lambda parts: clock.train(SHOWN, FEATURES, EVIDENCE, parts.fitting, parts.tuning),
        summary="Null model: knows only how long the recording has been running. Must be beaten.",
        lead="A **null model**: it knows how long the recording has been running, how often each "
        "stage is by then, and how stages follow each other. It reads nothing of the sleeper. It "
        "is here to be beaten: a model that is not clearly better has learnt nothing.",
        weaknesses=("Everywhere: it gives every sleeper the same night.",),
        used=("the epoch's index on the recording's grid",),
        left_out=FEATURES,
        recipe={"minutes_per_bin": clock.EPOCHS_PER_BIN // 2},
    ),
    "linear": Toy(
        fit=lambda parts: linear.train(DESIGN, parts.fitting, parts.tuning),
        summary="Toy: linear, trained on simulated nights so that the platform runs. Not for use.",
        lead="A **toy, trained on simulated nights** so that everything downstream of a model can "
        "run. It has never seen a person. No figure below says anything about how well it, or this "
        "platform, stages real sleep.",
        weaknesses=(
            "On real nights nothing is known of it; expect it to be bad.",
            "Light and deep, light and REM are taken for each other even on simulated nights.",
            "Where only the accelerometer hears the sleeper, and nothing moves, there is no stage.",
        ),
        used=tuple(name for name in FEATURES if name not in LEFT_OUT),
        left_out=LEFT_OUT,
        recipe={
            "window": [DESIGN.window.before, DESIGN.window.after],
            "minimum_known": DESIGN.window.minimum_known,
            "l2": DESIGN.recipe.l2,
            "balance": DESIGN.recipe.balance,
            "iterations": DESIGN.recipe.iterations,
            "blind_every": DESIGN.blind_every,
        },
    ),
}


@dataclass(frozen=True)
class Trained:
    draft: Draft
    judged: dict[str, Judged]  # nulls first, then the model's passes

    @property
    def is_too_easy(self) -> bool:
        return any(found.kappa > TOO_EASY for found in self.judged.values())


def train(order: Order) -> Trained:
    toy = TOYS[order.head]
    parts = simulated(order.nights, order.held_out, order.seed)
    model = toy.fit(parts)
    judged = _judged(order, model, parts)
    draft = Draft(
        version=order.version,
        passes=PASSES,
        model=model,
        schema_version=ACTIVE_VERSION,
        features=SHIPPED[ACTIVE_VERSION],
        golden=tuple(record(model, _golden_night(parts), pass_) for pass_ in PASSES),
        training=Training([SOURCE], order.seed, REVISION, _recipe(order, toy)),
        summary=toy.summary,
        card=cards.markdown(_card(order, toy), judged, "this model, night"),
        metrics={"simulated": {name: found.figures for name, found in judged.items()}},
        drift_reference=drift_reference(SHOWN, FEATURES, parts.fitting),
    )
    return Trained(draft, judged)


def _judged(order: Order, model: Model, parts: Parts) -> dict[str, Judged]:
    most = judging.commonest(parts.fitting)
    judged = {"null: always the commonest": judging.judge_majority(SHOWN, parts.held_out, most)}
    if order.head != "clock":
        null = TOYS["clock"].fit(parts)
        judged["null: clock and transitions"] = judging.judge(null, parts.held_out, "night")
    for pass_ in reversed(PASSES):
        judged[f"this model, {pass_}"] = judging.judge(model, parts.held_out, pass_)
    return judged


def _golden_night(parts: Parts) -> Night:
    """From the middle of a night that trained nothing, gaps, dead sensors, an empty bed and all."""
    features = parts.held_out[0].features[GOLDEN].copy()
    bits = [FEATURES.index(name) for name in LEFT_OUT]
    features[DEAD, [place for place in range(len(FEATURES)) if place not in bits]] = np.nan
    features[EMPTY] = [EMPTY_BED.get(name, 0.0) for name in FEATURES]
    return Night(features, GOLDEN.start)


def _recipe(order: Order, toy: Toy) -> dict[str, Any]:
    return {
        "head": order.head,
        "simulated_nights": order.nights,
        "held_out_nights": order.held_out,
        **(toy.recipe or {}),
    }


def _card(order: Order, toy: Toy) -> Card:
    return Card(
        title=order.version,
        lead=toy.lead,
        data=(
            f"{order.nights} simulated nights of as many sleepers, a fifth of them for tuning; "
            f"{order.held_out} others to judge by. No recording of a person.",
            "Simulated nights are for demo and load: a Markov chain with the hourly transition "
            "rates of real nights, and made-up signals by stage.",
            f"They are not too easy: a κ above {TOO_EASY} would say that they are.",
            f"Licence: {SOURCE.licence}.",
        ),
        features=toy.used,
        left_out=toy.left_out,
        weaknesses=toy.weaknesses,
        forbidden=(
            "Any claim of quality: of this model, of the platform, of the device.",
            "Anything that concerns a person's health, sleep or treatment.",
        ),
        command=order.command,
    )
