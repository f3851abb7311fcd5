"""The rows of the contextual linear model: an epoch with what is around it, as the engine sees it.

One model for all nights: what a night lacks is masked, and a weight may depend on whether movement
is known. Some rows are shown again without their future, as live staging sees them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from inference.engine import Columns, RobustNight, Window
from inference.engine.evidence import is_known as is_evident
from inference.engine.evidence import without_unknown
from inference.engine.windows import trailing
from mlops.datasets import LabelledNight
from mlops.sources import COLUMNS
from mlops.training import softmax
from mlops.training.softmax import Recipe
from recordings.stages import SHOWN

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
HEART, BREATHING = ("hr_mean", "hr_std", "dhr"), ("rr_mean", "rr_std", "drr")
MOVEMENT = "vib_move_pct"
# The spread of breathing told people apart rather than stages, and is not looked at.
SEEN = (*HEART, "rr_mean", "drr", MOVEMENT)
# The spread of a rate is skewed and its change has two signs: the logarithm of the magnitude.
LEAST = {"hr_std": 0.02, "rr_std": 0.1, "dhr": 0.1, "drr": 0.1}
# Most of a night nothing moves, so that its own spread says nothing.
FLOOR = {MOVEMENT: 50.0}
# A rate or its spread is measured of somebody, and so is whoever is in bed or moves.
EVIDENCE = (
    "in_bed_pct",
    "hr_mean",
    "hr_std",
    "rr_mean",
    "rr_std",
    "large_move_pct",
    "minor_move_pct",
    "turnovers_delta",
    "vib_move_pct",
)


def _by_column(values: dict[str, float]) -> Doubles:
    return np.array([values.get(name, 0.0) for name in COLUMNS])


@dataclass(frozen=True)
class Design:
    """All that is decided before a night is seen."""

    labels: tuple[str, ...] = SHOWN
    features: tuple[str, ...] = COLUMNS
    evidence: tuple[str, ...] = EVIDENCE
    window: Window = field(default_factory=lambda: Window(40, 40, 11))
    normalisation: RobustNight = field(
        default_factory=lambda: RobustNight(1.5, _by_column(FLOOR), _by_column(LEAST))
    )
    columns: Columns = field(
        default_factory=lambda: Columns(
            ("features", "context", "known", "known_each", "elapsed", "elapsed_squared"),
            tuple(COLUMNS.index(name) for name in SEEN),
            SEEN.index(MOVEMENT),
        )
    )
    history: int = 80
    # Neighbours say nearly the same: one epoch in so many is a row, one in more is also shown
    # without its future.
    every: int = 2
    blind_every: int = 24
    # What a night is shown again without, and how much that counts.
    hidden: tuple[tuple[str, ...], ...] = (HEART, BREATHING)
    hidden_counts: float = 0.1
    # Epochs in no order, of which nobody knows the stage: one in so many, and how much it counts.
    senseless_every: int = 16
    senseless_counts: float = 0.2
    # Of nights that do not know movement, and of those that do: of more people, and fewer columns.
    recipes: tuple[Recipe, Recipe] = (
        Recipe(l2=0.01, iterations=60, tolerance=1e-4),
        Recipe(l2=0.001, iterations=60, tolerance=1e-4),
    )

    @property
    def always(self) -> int:
        """The place of the column that is 1 in every row."""
        return self.columns.names(self.features).index("known")

    @property
    def reach(self) -> int:
        return self.window.before + 1 + self.history


@dataclass(frozen=True)
class Rows:
    values: Floats  # (rows, columns), grained
    classes: NDArray[np.int8]  # (rows,)
    counts: Doubles  # (rows,): how much each one counts

    def __len__(self) -> int:
        return len(self.classes)


class Prepared:
    """The rows of nights, each made once, however many fits a night takes part in."""

    def __init__(self, design: Design) -> None:
        self.design = design
        # The night is kept with its rows, so that nothing else can come to have its id.
        self._made: dict[int, tuple[LabelledNight, list[Rows]]] = {}

    def rows_of(self, nights: Sequence[LabelledNight]) -> Rows:
        """Each data set counts the same in all, however many its nights are."""
        parts = [(night.source, one) for night in nights for one in self._of(night)]
        totals: dict[str, float] = {}
        for source, part in parts:
            totals[source] = totals.get(source, 0.0) + float(part.counts.sum())
        mean = sum(totals.values()) / len(totals)
        return Rows(
            np.concatenate([part.values for _, part in parts]),
            np.concatenate([part.classes for _, part in parts]),
            np.concatenate([part.counts * mean / totals[source] for source, part in parts]),
        )

    def _of(self, night: LabelledNight) -> list[Rows]:
        if id(night) not in self._made:
            self._made[id(night)] = night, _of_night(self.design, night)
        return self._made[id(night)][1]


def _of_night(design: Design, night: LabelledNight) -> list[Rows]:
    found = [_whole(design, night, design.every, 1.0), _blind(design, night)]
    found.append(_senseless(design, night))
    for hidden in design.hidden:
        places = [design.features.index(name) for name in hidden]
        if np.isfinite(night.features[:, places]).any():
            features = night.features.copy()
            features[:, places] = np.nan
            less = replace(night, features=features)
            found.append(_whole(design, less, 4 * design.every, design.hidden_counts))
    return [part for part in found if len(part)]


def _whole(design: Design, night: LabelledNight, every: int, counts: float) -> Rows:
    told = without_unknown(night.features, design.features, design.evidence)
    normalised = design.normalisation.apply(told[None])
    index = np.arange(len(told), dtype=np.int64)[None]
    is_row = _stageable(design, night, design.window) & (np.arange(len(told)) % every == 0)
    values = design.columns.of(normalised, index)[0][is_row]
    return _rows(values, night.stages[is_row], counts)


def _senseless(design: Design, night: LabelledNight) -> Rows:
    """The same epochs shuffled, each of every stage alike: a model shall not be sure of them."""
    order = np.random.default_rng(len(night.features)).permutation(len(night.features))
    shuffled = replace(night, features=night.features[order])
    part = _whole(design, shuffled, design.senseless_every, design.senseless_counts)
    stages, count = len(design.labels), len(part)
    return Rows(
        np.repeat(part.values, stages, axis=0),
        np.tile(np.arange(stages, dtype=np.int8), count),
        np.repeat(part.counts / stages, stages),
    )


def _blind(design: Design, night: LabelledNight) -> Rows:
    """As the last of the epochs that a live stage looks at; what looks ahead is not shown."""
    features = night.features.copy()
    if night.source in LOOKS_AHEAD:
        features[:, [design.features.index(name) for name in LOOKS_AHEAD[night.source]]] = np.nan
    told = without_unknown(features, design.features, design.evidence)
    past = Window(design.window.before, 0, min(design.window.minimum_known, 1))
    seen = replace(night, features=features)
    is_row = _stageable(design, seen, past)
    places = np.flatnonzero(is_row)[:: design.blind_every]
    if not len(places):
        return _rows(np.empty((0, 0)), night.stages[:0], 1.0)
    blocks = trailing(told, design.reach, len(told))[places]
    index = places[:, None] + np.arange(1 - design.reach, 1)
    values = design.columns.of(design.normalisation.apply(blocks), index)[:, -1]
    return _rows(values, night.stages[places], 1.0)


# Whose spread of heart rate was smoothed over what came after.
LOOKS_AHEAD = {"walch": ("hr_std",)}


def _stageable(design: Design, night: LabelledNight, window: Window) -> NDArray[np.bool_]:
    known = is_evident(night.features, design.features, design.evidence)
    return np.asarray(known & window.knows_enough(known) & (night.stages >= 0))


def _rows(values: Doubles, classes: NDArray[np.int8], counts: float) -> Rows:
    return Rows(softmax.grained(values), classes, np.full(len(classes), counts))
