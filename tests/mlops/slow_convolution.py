"""The net once more, slowly and plainly, in numpy: what its graph is held to."""

import numpy as np

from mlops.training.convolution.design import CLOCK, MASKS, VALUES, Design


def logits(weights: dict[str, np.ndarray], columns: np.ndarray, design: Design) -> np.ndarray:
    """(epochs, columns) -> (epochs, labels), an epoch at a time."""
    weights = {name: array.astype(np.float64) for name, array in weights.items()}
    columns = columns.astype(np.float64)
    values = columns[:, VALUES]
    seen = [values, columns[:, MASKS], columns[:, CLOCK]]
    found = np.concatenate(seen, axis=1) @ weights["stem"] + weights["stem_bias"]
    for layer, dilation in enumerate(design.dilations):
        even = np.array([_even(row) for row in found])
        even = even * weights[f"scale{layer}"] + weights[f"shift{layer}"]
        before, _ = design.padding[layer]
        risen = []
        for epoch in range(len(found)):
            taps = [epoch - before + tap * dilation for tap in range(design.taps)]
            near = [even[at] if 0 <= at < len(even) else np.zeros(design.channels) for at in taps]
            taken = np.concatenate(near) @ weights[f"along{layer}"] + weights[f"along_bias{layer}"]
            risen.append(np.maximum(taken, 0))
        found = found + np.array(risen) @ weights[f"mix{layer}"] + weights[f"mix_bias{layer}"]
    return found @ weights["out"] + weights["out_bias"]


def _even(row: np.ndarray) -> np.ndarray:
    return (row - row.mean()) / np.sqrt(row.var() + 1e-5)
