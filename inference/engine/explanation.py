"""Why this stage: what each column adds to the logits of one epoch."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from inference.engine.faults import NightUnfit
from inference.engine.heads import Clock, Linear
from inference.engine.model import Model
from inference.engine.nights import Doubles, Ints, Night
from inference.engine.passes import told
from inference.engine.windows import trailing

Pass = Literal["live", "night"]

# Orders of occlusion drawn, and the seed that makes an explanation the same every time.
ORDERS, SEED = 8, 20_260_101


@dataclass(frozen=True)
class Explanation:
    """Contributions summed over the names, plus the bias, are the logits (before temperature)."""

    method: str  # linear_contributions, clock_table, seeded_occlusion
    labels: tuple[str, ...]
    names: tuple[str, ...]
    contributions: Doubles  # (names, labels)
    bias: Doubles  # (labels,)
    logits: Doubles  # (labels,)


@dataclass(frozen=True)
class _Scene:
    """What a pass sees when it looks at one epoch: a whole night, or what led up to it."""

    normalised: Doubles  # (epochs, features), NaN for a gap
    index: Ints  # (epochs,)
    place: int  # of the epoch that is explained


def explain(model: Model, night: Night, position: int, pass_: Pass) -> Explanation:
    """Explain the logits of the epoch at `position` of the night, as that pass saw it."""
    night = told(model, night)
    if not 0 <= position < len(night):
        raise NightUnfit(f"Position {position} of {len(night)} epochs.")
    scene = {"live": _live, "night": _night}[pass_](model, night, position)
    if isinstance(model.head, Linear):
        return _by_weights(model, model.head, scene)
    if isinstance(model.head, Clock):
        return _by_table(model, scene)
    return _by_occlusion(model, scene)


def _night(model: Model, night: Night, position: int) -> _Scene:
    index = night.first_index + np.arange(len(night))
    return _Scene(model.normalisation.apply(night.features), index, position)


def _live(model: Model, night: Night, position: int) -> _Scene:
    block = trailing(night.features[: position + 1], model.reach, 1)[0]
    index = night.first_index + np.arange(position + 1 - model.reach, position + 1)
    return _Scene(model.normalisation.apply(block), index, model.reach - 1)


def _by_weights(model: Model, head: Linear, scene: _Scene) -> Explanation:
    """Weight times value, summed along the window: exact, for the head is a sum."""
    columns = model.columns.of(scene.normalised, scene.index)
    if len(head.weights) == columns.shape[1]:
        seen = columns[scene.place : scene.place + 1]
    else:
        padded = model.window.pad(columns[None], len(columns))[0]
        seen = padded[scene.place : scene.place + model.window.length]
    weights = head.weights.astype(np.float64).reshape(*seen.shape, len(model.labels))
    contributions = np.einsum("pc,pcl->cl", seen, weights)
    return Explanation(
        method="linear_contributions",
        labels=model.labels,
        names=model.columns.names(model.features),
        contributions=contributions,
        bias=head.bias.astype(np.float64),
        logits=_logits(model, scene, scene.normalised[None])[0],
    )


def _by_table(model: Model, scene: _Scene) -> Explanation:
    logits = _logits(model, scene, scene.normalised[None])[0]
    return Explanation(
        "clock_table", model.labels, ("elapsed",), logits[None], np.zeros_like(logits), logits
    )


def _by_occlusion(model: Model, scene: _Scene) -> Explanation:
    """Hide one feature after the other, in seeded orders, and take the mean of what each changes.

    The bias is what is left when all are hidden: so the sum is exact here too.
    """
    features = len(model.features)
    generator = np.random.default_rng(SEED)
    steps = np.arange(features + 1)[:, None]
    total = np.zeros((features, len(model.labels)))
    for _ in range(ORDERS):
        turns = generator.permutation(features)  # (features,): when each is hidden
        is_hidden = (turns < steps)[:, None, :]  # (steps, 1, features)
        found = _logits(model, scene, np.where(is_hidden, np.nan, scene.normalised))
        total += (found[:-1] - found[1:])[turns]
    return Explanation(
        method="seeded_occlusion",
        labels=model.labels,
        names=model.features,
        contributions=total / ORDERS,
        bias=found[-1],
        logits=found[0],
    )


def _logits(model: Model, scene: _Scene, normalised: Doubles) -> Doubles:
    """(batch, epochs, features) -> (batch, labels): of the epoch that is explained.

    The head is shown that epoch's window only, for a network sees no further.
    """
    start = max(scene.place - model.window.before, 0)
    end = min(scene.place + model.window.after + 1, len(scene.index))
    index = np.broadcast_to(scene.index, normalised.shape[:2])
    columns = model.columns.of(normalised, index)[:, start:end]
    return model.head.logits(columns, index[:, start:end], model.window, end - scene.place)[:, 0]
