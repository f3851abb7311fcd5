"""The linear model: a softmax over the columns of a window, calibrated, with a decoder.

One model for both passes: it is also shown epochs whose future is a gap."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from inference.engine import Columns, Linear, Model, Normalisation, RobustNight, Window
from inference.engine.evidence import is_known as is_evident
from inference.engine.evidence import without_unknown
from mlops.training import calibration, decoder, softmax
from mlops.training.nights import LabelledNight
from mlops.training.softmax import Recipe, Softmax

Floats = NDArray[np.float32]
# Of the same value at every place of a window one is enough.
ONLY_IN_THE_MIDDLE = ("elapsed",)


@dataclass(frozen=True)
class Design:
    """All of a linear model that is decided before it sees a night."""

    labels: tuple[str, ...]
    features: tuple[str, ...]
    evidence: tuple[str, ...]  # of the features, those that make an epoch known
    left_out: tuple[str, ...] = ()  # features that get no weight
    window: Window = field(default_factory=lambda: Window(30, 20, 21))
    normalisation: Normalisation = field(default_factory=RobustNight)
    columns: Columns = field(default_factory=lambda: Columns(("features", "known", "elapsed")))
    history: int = 100
    # Of so many epochs one is shown again without its future, which is how live staging sees it.
    blind_every: int = 2
    recipe: Recipe = field(default_factory=Recipe)

    @property
    def names(self) -> NDArray[np.str_]:
        """(window, columns)."""
        return np.tile(self.columns.names(self.features), (self.window.length, 1))

    @property
    def used(self) -> NDArray[np.bool_]:
        """(window * columns,): what gets a weight."""
        place = np.arange(self.window.length)[:, None]
        once = np.isin(self.names, ONLY_IN_THE_MIDDLE) & (place != self.window.before)
        return np.asarray(~np.isin(self.names, self.left_out) & ~once).ravel()

    @property
    def future(self) -> NDArray[np.bool_]:
        """(window * columns,): what is not there yet when an epoch is staged live."""
        place = np.arange(self.window.length)[:, None]
        return np.broadcast_to(place > self.window.before, self.names.shape).ravel()


def train(
    design: Design, fitting: Sequence[LabelledNight], tuning: Sequence[LabelledNight]
) -> Model:
    """Weights and transitions from some nights; temperature and prior from others."""
    rows, classes = rows_of(design, fitting)
    fitted = softmax.fit(rows, classes, len(design.labels), design.recipe)
    rows_to_tune, classes_to_tune = rows_of(design, tuning)
    model = Model(
        labels=design.labels,
        features=design.features,
        evidence=design.evidence,
        window=design.window,
        normalisation=design.normalisation,
        columns=design.columns,
        head=_head(design, fitted),
        temperature=calibration.temperature(fitted.logits(rows_to_tune), classes_to_tune),
        history=design.history,
    )
    return decoder.tuned(model, _seen_prior(design, classes), fitting, tuning)


def rows_of(design: Design, nights: Sequence[LabelledNight]) -> tuple[Floats, NDArray[np.int8]]:
    """(rows, used), (rows,): each epoch with a true stage that would be given one, some twice."""
    parts = [_windows(design, night) for night in nights]
    return np.concatenate([rows for rows, _ in parts]), np.concatenate([of for _, of in parts])


def _windows(design: Design, night: LabelledNight) -> tuple[Floats, NDArray[np.int8]]:
    index = np.arange(len(night.features), dtype=np.int64)[None]
    told = without_unknown(night.features, design.features, design.evidence)
    normalised = design.normalisation.apply(told[None])
    columns = design.columns.of(normalised, index)
    padded = softmax.grained(design.window.pad(columns, len(night.features))[0])
    along = sliding_window_view(padded, design.window.length, axis=0)
    is_known = is_evident(night.features, design.features, design.evidence)
    is_row = is_known & design.window.knows_enough(is_known) & (night.stages >= 0)
    # (epochs, columns, places) -> (rows, places * columns), as the head's weights lie.
    rows = along[is_row].transpose(0, 2, 1).reshape(int(is_row.sum()), -1)[:, design.used]
    classes = night.stages[is_row]
    blind = rows[:: design.blind_every] * ~design.future[design.used]
    return np.concatenate([rows, blind]), np.concatenate([classes, classes[:: design.blind_every]])


def _head(design: Design, fitted: Softmax) -> Linear:
    weights = np.zeros((len(design.used), len(design.labels)), np.float32)
    weights[design.used] = fitted.weights
    return Linear(weights, fitted.bias.astype(np.float32))


def _seen_prior(design: Design, classes: NDArray[np.int8]) -> NDArray[np.float64]:
    """(labels,): the stages' shares as the fit weighed them."""
    count = len(design.labels)
    weights = softmax.class_weights(classes, count, design.recipe.balance)
    prior = decoder.shares([classes], count) * np.where(weights > 0, weights, 1)
    return np.asarray(prior / prior.sum())
