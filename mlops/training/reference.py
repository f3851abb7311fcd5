"""What features and stages looked like in training, for drift to be measured against."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlops.training import decoder
from mlops.training.nights import LabelledNight

BINS = 10
DIGITS = 6


def drift_reference(
    labels: tuple[str, ...], features: tuple[str, ...], nights: Sequence[LabelledNight]
) -> dict[str, Any]:
    """Per feature the edges between tenths with their shares, what is missing, and night means."""
    together = np.concatenate([night.features for night in nights]).astype(np.float64)
    shares = decoder.shares([night.stages for night in nights], len(labels))
    return {
        "nights": len(nights),
        "epochs": len(together),
        "features": {
            name: _feature(together[:, column], [night.features[:, column] for night in nights])
            for column, name in enumerate(features)
        },
        "stages": dict(zip(labels, np.round(shares, DIGITS).tolist(), strict=True)),
    }


def _feature(values: np.ndarray, nights: Sequence[np.ndarray]) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    if not len(known):
        return {"edges": [], "shares": [], "missing": 1.0, "night_mean": None, "night_spread": None}
    # Of a feature that is mostly 0 several tenths end at 0: they are one.
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS))
    counts = np.bincount(np.searchsorted(edges, known), minlength=len(edges) + 1)
    means = [
        float(night[np.isfinite(night)].mean()) for night in nights if np.isfinite(night).any()
    ]
    return {
        "edges": np.round(edges, DIGITS).tolist(),
        "shares": np.round(counts / counts.sum(), DIGITS).tolist(),
        "missing": round(1 - len(known) / len(values), DIGITS),
        "night_mean": round(float(np.mean(means)), DIGITS),
        "night_spread": round(float(np.std(means)), DIGITS),
    }
