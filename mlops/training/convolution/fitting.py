"""Weights by gradient descent, on one thread and from one seed: the same twice on a machine."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from inference.engine.evidence import without_unknown
from mlops.datasets import LabelledNight
from mlops.sources import COLUMNS
from mlops.training.contextual import EVIDENCE
from mlops.training.convolution import augmentation, network, weights
from mlops.training.convolution.design import (
    LABELS,
    NORMALISATION,
    PLAIN,
    Design,
)
from mlops.training.convolution.weights import Weights

Floats = NDArray[np.float32]
WARM_UP = 0.2
LONGEST_GRADIENT = 1.0
Nights = Sequence[LabelledNight]


@dataclass(frozen=True)
class Crops:
    """A batch: what the net sees, and for each label how likely it is held to be, by weight."""

    columns: Floats  # (batch, epochs, columns)
    wanted: Floats  # (batch, epochs, labels), each row summing to one
    weight: Floats  # (batch, epochs), 0 where nobody knows


def single_threaded() -> None:
    """Sums on several threads come out in other orders, and so in other bits."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def fit(design: Design, nights: Nights, seed: int) -> Weights:
    """Adam with decay, one warm-up, and the running mean of the weights as the outcome."""
    single_threaded()
    chance = np.random.default_rng([seed, 1])
    found = {
        name: torch.tensor(array, requires_grad=True)
        for name, array in weights.drawn(design, seed).items()
    }
    mean = {name: tensor.detach().clone() for name, tensor in found.items()}
    optimiser = torch.optim.AdamW(found.values(), lr=design.rate, weight_decay=design.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, design.rate, total_steps=design.steps, pct_start=WARM_UP
    )
    batches = Batches(design, nights, chance)
    for step in range(design.steps):
        loss = _loss(found, batches.draw(), design, chance)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(found.values(), LONGEST_GRADIENT)
        optimiser.step()
        schedule.step()
        _average(mean, found, min(design.averaged, (1 + step) / (10 + step)))
    return {name: tensor.numpy() for name, tensor in mean.items()}


def _loss(
    found: dict[str, network.Tensor], crops: Crops, design: Design, chance: np.random.Generator
) -> network.Tensor:
    def thinned(values: network.Tensor) -> network.Tensor:
        """Whole channels of a crop are dropped, or what one epoch lost its neighbour would tell."""
        shape = (values.shape[0], 1, values.shape[2])
        kept = (chance.random(shape) > design.dropout) / (1 - design.dropout)
        return values * torch.from_numpy(kept.astype(np.float32))

    logits = network.logits(found, torch.from_numpy(crops.columns), design, thinned)
    weight = torch.from_numpy(crops.weight)
    surprise = -(torch.from_numpy(crops.wanted) * torch.log_softmax(logits, -1)).sum(-1)
    return (surprise * weight).sum() / weight.sum()


def _average(
    mean: dict[str, network.Tensor], found: dict[str, network.Tensor], kept: float
) -> None:
    with torch.no_grad():
        for name, tensor in found.items():
            mean[name].mul_(kept).add_(tensor, alpha=1 - kept)


def columns_of(night: LabelledNight) -> Floats:
    """(epochs, columns), as the engine shows a whole night to the net."""
    return _columns(told(night), 0)


def told(night: LabelledNight) -> Floats:
    return without_unknown(night.features, COLUMNS, EVIDENCE)


def _columns(features: Floats, first: int) -> Floats:
    index = np.arange(first, first + len(features))
    return PLAIN.of(NORMALISATION.apply(features), index).astype(np.float32)


class Batches:
    """Crops of nights: longer nights more often, rare stages of each source made up for."""

    def __init__(self, design: Design, nights: Nights, chance: np.random.Generator) -> None:
        self._design, self._nights, self._chance = design, nights, chance
        self._features = [told(night) for night in nights]
        self._columns = [_columns(features, 0) for features in self._features]
        length = np.sqrt([len(night.stages) for night in nights])
        self._share = length / length.sum()
        self._weights = class_weights(nights, design.balance)
        even = np.full((len(LABELS), len(LABELS)), design.smoothing / len(LABELS))
        self._wanted = even + (1 - design.smoothing) * np.eye(len(LABELS))

    def draw(self) -> Crops:
        design, chance = self._design, self._chance
        drawn = chance.choice(len(self._nights), design.batch, p=self._share)
        parts = [self._crop(int(place)) for place in drawn]
        columns = np.stack([columns for columns, _, _ in parts])
        return Crops(
            augmentation.worsened(columns, design.augmentation, chance),
            np.stack([wanted for _, wanted, _ in parts]),
            np.stack([weight for _, _, weight in parts]),
        )

    def _crop(self, place: int) -> tuple[Floats, Floats, Floats]:
        """Shorter nights are filled up with gaps that weigh nothing."""
        design, night = self._design, self._nights[place]
        start = int(self._chance.integers(max(len(night.stages) - design.crop, 0) + 1))
        part = slice(start, start + design.crop)
        stages = night.stages[part]
        # What is staged live knows no more of the night than this.
        is_apart = design.is_causal
        columns = (
            _columns(self._features[place][part], start) if is_apart else self._columns[place][part]
        )
        known = stages >= 0
        wanted = self._wanted[np.maximum(stages, 0)]
        weight = np.where(known, self._weights[night.source][np.maximum(stages, 0)], 0)
        if self._chance.random() < design.augmentation.senseless:
            columns = augmentation.senseless(columns, self._chance)
            wanted, weight = np.full_like(wanted, 1 / len(LABELS)), known * 1.0
        short = design.crop - len(stages)
        return tuple(  # type: ignore[return-value]  # three of them
            np.pad(array, [(0, short)] + [(0, 0)] * (array.ndim - 1)).astype(np.float32)
            for array in (columns, wanted, weight)
        )


def class_weights(nights: Nights, balance: float) -> dict[str, NDArray[np.float64]]:
    """By source, for the sleepers of one may lie awake more: a mean weight of 1 in each."""
    found = {}
    for source in sorted(Counter(night.source for night in nights)):
        stages = np.concatenate([night.stages for night in nights if night.source == source])
        share = np.bincount(stages[stages >= 0], minlength=len(LABELS)) + 1.0
        share /= share.sum()
        weight = share**-balance
        found[source] = weight / (weight * share).sum()
    return found
