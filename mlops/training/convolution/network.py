"""The net in torch, as one function of its weights: what `graph` writes down, in the same order."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn import functional

from mlops.training.convolution.design import CLOCK, MASKS, VALUES, Design

Tensor = Any
Thinned = Callable[[Tensor], Tensor]


def logits(
    weights: Mapping[str, Tensor], columns: Tensor, design: Design, thinned: Thinned | None = None
) -> Tensor:
    """(batch, epochs, columns) -> (batch, epochs, labels); `thinned` drops channels in training."""
    found = seen(columns) @ weights["stem"] + weights["stem_bias"]
    for layer, (dilation, padding) in enumerate(zip(design.dilations, design.padding, strict=True)):
        width = (found.shape[-1],)
        even = functional.layer_norm(
            found, width, weights[f"scale{layer}"], weights[f"shift{layer}"]
        )
        taken = along(even, design.taps, dilation, padding) @ weights[f"along{layer}"]
        risen = torch.relu(taken + weights[f"along_bias{layer}"])
        risen = thinned(risen) if thinned else risen
        found = found + risen @ weights[f"mix{layer}"] + weights[f"mix_bias{layer}"]
    return found @ weights["out"] + weights["out_bias"]


def seen(columns: Tensor) -> Tensor:
    """Each value, what is known, and the clock."""
    return torch.cat([columns[..., places] for places in (VALUES, MASKS, CLOCK)], dim=-1)


def along(values: Tensor, taps: int, dilation: int, padding: tuple[int, int]) -> Tensor:
    """(batch, epochs, channels) -> (batch, epochs, taps * channels): neighbours side by side."""
    epochs = values.shape[1]
    padded = functional.pad(values, (0, 0, *padding))
    parts = [padded[:, tap * dilation : tap * dilation + epochs] for tap in range(taps)]
    return torch.cat(parts, dim=-1)
