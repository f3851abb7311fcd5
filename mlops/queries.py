"""Stages that were given, read past the ORM: whole arrays, one statement a night."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.models import Hypnogram, Pass, Role
from recordings import grid, queries

# A prediction's window ends where the epoch does that it stages. The newest revision is what was
# said of the night as it is now.
STAGED = """
SELECT array_agg(epoch_index), array_agg(stage), array_agg(probabilities)
FROM (SELECT DISTINCT ON (window_end_ts) epoch_index, stage::integer AS stage, probabilities
      FROM inference_prediction
      WHERE tenant_id = %(tenant)s AND recording_id = %(recording)s
        AND window_end_ts > %(start)s AND window_end_ts <= %(end)s
        AND model_id = %(model)s AND role = %(role)s AND pass = %(pass)s
      ORDER BY window_end_ts, revision DESC) AS newest
"""


@dataclass(frozen=True)
class Predicted:
    """A version's stages of one night, each epoch once, in no order."""

    index: NDArray[np.int64]  # (predictions,)
    codes: NDArray[np.int8]  # (predictions,)
    probabilities: NDArray[np.float64]  # (predictions, labels)


def night_predictions(hypnogram: Hypnogram) -> Predicted:
    """What the log holds of the whole night's pass, by the version that staged it."""
    started_at = hypnogram.recording.started_at
    values: dict[str, Any] = {
        "tenant": hypnogram.tenant_id,
        "recording": hypnogram.recording_id,
        "start": started_at,
        "end": grid.epoch_start(started_at, grid.MAX_EPOCHS),
        "model": hypnogram.model_id,
        "role": int(Role.PRODUCTION),
        "pass": int(Pass.NIGHT),
    }
    ((index, codes, flat),) = queries.arrays(STAGED, values)
    if index is None:
        return Predicted(np.empty(0, np.int64), np.empty(0, np.int8), np.empty((0, 0)))
    return Predicted(
        index.astype(np.int64),
        codes.astype(np.int8),
        flat.reshape(len(index), -1).astype(np.float64),
    )
