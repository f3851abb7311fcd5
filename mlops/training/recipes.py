"""The ways to train a candidate from a snapshot: what each may be told, and what it makes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inference.artifacts import Draft, Training
from inference.engine import Model, Pass
from inference.engine.golden import record
from mlops.datasets import LabelledNight
from mlops.sources import COLUMNS
from mlops.training import contextual_fit, contextual_version, trainers
from mlops.training.contextual import Design, Prepared
from mlops.training.extra import needed
from mlops.training.provenance import shown, sources_of
from mlops.training.reference import drift_reference
from recordings.schemas import ACTIVE_VERSION, SHIPPED
from recordings.stages import SHOWN

Nights = Sequence[LabelledNight]
Values = Mapping[str, float]


@dataclass(frozen=True)
class Order:
    """A training run, and all that its result depends on besides code and snapshot."""

    version: str
    recipe: str
    family: Pass = "night"
    seed: int = 1
    hyperparameters: Mapping[str, float] | None = None

    @property
    def values(self) -> dict[str, float]:
        """Those that were given over the recipe's own."""
        usual = {name: one.usual for name, one in RECIPES[self.recipe].parameters.items()}
        return usual | dict(self.hyperparameters or {})


@dataclass(frozen=True)
class Parameter:
    usual: float
    low: float
    high: float
    is_whole: bool = False

    def fault_of(self, value: Any) -> str:
        """Why a value is none, or nothing."""
        kinds = int if self.is_whole else int | float
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        if is_number and self.low <= value <= self.high:
            return ""
        return f"a {'whole number' if self.is_whole else 'number'} from {self.low} to {self.high}"


@dataclass(frozen=True)
class Recipe:
    """`draft` fits on the nights that it is given and on no others."""

    summary: str
    revision: str
    draft: Callable[[Order, Nights], Draft]
    parameters: Mapping[str, Parameter]
    passes: tuple[Pass, ...] = ("live", "night")


def _linear(order: Order, nights: Nights) -> Draft:
    values, design = order.values, Design()
    # Of its two sides each keeps its own penalty: `l2_times` is how much of it.
    without, moving = (
        replace(side, l2=side.l2 * values["l2_times"], iterations=int(values["iterations"]))
        for side in design.recipes
    )
    design = replace(
        design,
        recipes=(without, moving),
        every=int(values["every"]),
        hidden_counts=values["hidden_counts"],
    )
    return _draft(order, contextual_fit.train(Prepared(design), nights), nights)


def _clock(order: Order, nights: Nights) -> Draft:
    return _draft(order, trainers.by_the_clock(nights), nights)


def _net(order: Order, nights: Nights) -> Draft:
    """The convolution net writes a draft of its own, judged within the nights that fit it."""
    versions = needed("mlops.training.convolution.versions")
    made: Draft = versions.draft(versions.Order(order.version, order.family, order.seed), nights)
    return made


def _draft(order: Order, model: Model, nights: Nights) -> Draft:
    recipe = RECIPES[order.recipe]
    golden = contextual_version.golden_night()
    told = {"recipe": order.recipe, **order.values, **shown(nights)}
    return Draft(
        version=order.version,
        passes=recipe.passes,
        model=model,
        schema_version=ACTIVE_VERSION,
        features=SHIPPED[ACTIVE_VERSION],
        golden=tuple(record(model, golden, pass_) for pass_ in recipe.passes),
        training=Training(sources_of(nights), order.seed, recipe.revision, told),
        summary=recipe.summary,
        drift_reference=drift_reference(SHOWN, COLUMNS, nights),
    )


RECIPES: Mapping[str, Recipe] = {
    "linear": Recipe(
        summary="Linear over 20 minutes of context, fitted to a snapshot of this platform.",
        revision=contextual_version.REVISION,
        draft=_linear,
        parameters={
            "l2_times": Parameter(1.0, 1e-3, 1e3),
            "iterations": Parameter(60, 1, 500, is_whole=True),
            "every": Parameter(2, 1, 60, is_whole=True),
            "hidden_counts": Parameter(0.1, 0.0, 1.0),
        },
    ),
    "clock": Recipe(
        summary="Null model of a snapshot: knows only how long the recording has been running.",
        revision="clock-1",
        draft=_clock,
        parameters={},
    ),
    "net": Recipe(
        summary="Convolution net, fitted to a snapshot of this platform. Needs the train extra.",
        revision="convolution-1",
        draft=_net,
        parameters={},
    ),
}
