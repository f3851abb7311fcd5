"""What the writers send: nights made from a seed, cut into batches in every form. No Django."""

import base64
import gzip
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recordings.schemas import ACTIVE_VERSION, SHIPPED

SCHEMA = SHIPPED[ACTIVE_VERSION]
NAMES = [feature.name for feature in SCHEMA]
LENGTH = 2_880
LARGEST_PIECE = 24
FORMS = ("list", "object", "packed", "column")


@dataclass(frozen=True)
class Night:
    """A recording that is there, and all that it would hold in the end."""

    number: int
    recording_id: str
    started_at: datetime

    @property
    def features(self) -> NDArray[np.float32]:
        """(epochs, features), some of it gaps; the same for the same number."""
        rng = np.random.default_rng(self.number)
        low = np.array([feature.minimum for feature in SCHEMA], np.float32)
        high = np.array([feature.maximum for feature in SCHEMA], np.float32)
        matrix = (low + (high - low) * rng.random((LENGTH, len(SCHEMA)))).astype(np.float32)
        matrix[rng.random(matrix.shape) < 0.05] = np.nan
        return np.clip(matrix, low, high)


@dataclass(frozen=True)
class Piece:
    """Consecutive epochs of a night: one batch."""

    night: Night
    first: int
    features: NDArray[np.float32]

    @property
    def indices(self) -> slice:
        return slice(self.first, self.first + len(self.features))

    def body(self, form: str) -> dict[str, Any]:
        if form == "column":
            return {
                "recording_id": self.night.recording_id,
                "feature_schema_version": ACTIVE_VERSION,
                "start_index": self.first,
                "epochs": packed(self.features),
            }
        rows = [written(row, form) for row in self.features]
        return {
            "recording_id": self.night.recording_id,
            "epochs": [self._epoch(self.first + n, row) for n, row in enumerate(rows)],
        }

    def _epoch(self, index: int, features: Any) -> dict[str, Any]:
        at = self.night.started_at + timedelta(seconds=30 * index + index % 14)
        return {
            "epoch_index": index,
            "epoch_start_ts": at.isoformat(),
            "feature_schema_version": ACTIVE_VERSION,
            "features": features,
        }


def written(row: NDArray[np.float32], form: str) -> Any:
    if form == "packed":
        return packed(row)
    values = [None if np.isnan(value) else float(value) for value in row]
    return values if form == "list" else dict(zip(NAMES, values, strict=True))


def packed(matrix: NDArray[np.float32]) -> str:
    return base64.b64encode(matrix.astype("<f4").tobytes()).decode()


def encoded(body: dict[str, Any], is_compressed: bool) -> tuple[bytes, dict[str, str]]:
    raw = json.dumps(body).encode()
    return (gzip.compress(raw), {"Content-Encoding": "gzip"}) if is_compressed else (raw, {})
