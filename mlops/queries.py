"""Stages that were given, read past the ORM: whole arrays, one statement a night."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.models import Hypnogram, Pass, Role
from recordings import grid, queries, rows
from recordings.models import Recording

# The hash of a night's inputs is one for all its epochs, so it also tells the revision.
STAGED = """
SELECT array_agg(epoch_index), array_agg(stage::integer), array_agg(probabilities)
FROM inference_prediction
WHERE tenant_id = %(tenant)s AND recording_id = %(recording)s
  AND window_end_ts > %(start)s AND window_end_ts <= %(end)s
  AND model_id = %(model)s AND role = %(role)s AND pass = %(pass)s AND input_hash = %(hash)s
"""
ANSWERS = """
SELECT DISTINCT model_id, role, pass FROM inference_prediction
WHERE tenant_id = %(tenant)s AND recording_id = %(recording)s
  AND window_end_ts > %(start)s AND window_end_ts <= %(end)s
ORDER BY model_id DESC, role, pass DESC
"""
# An epoch that was staged again counts as it was staged last.
NEWEST = """
SELECT array_agg(epoch_index), array_agg(stage::integer), array_agg(probabilities)
FROM (SELECT DISTINCT ON (window_end_ts) epoch_index, stage, probabilities
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


def night_predictions(hypnogram: Hypnogram, started_at: datetime) -> Predicted:
    """What the log holds of the pass over a whole night that a hypnogram is of."""
    values: dict[str, Any] = {
        "tenant": hypnogram.tenant_id,
        "recording": hypnogram.recording_id,
        "start": started_at,
        "end": grid.epoch_start(started_at, grid.MAX_EPOCHS),
        "model": hypnogram.model_id,
        "role": int(Role.PRODUCTION),
        "pass": int(Pass.NIGHT),
        "hash": bytes(hypnogram.input_hash),
    }
    return _predicted(*queries.arrays(STAGED, values)[0])


def _predicted(index: Any, codes: Any, flat: Any) -> Predicted:
    if index is None:
        return Predicted(np.empty(0, np.int64), np.empty(0, np.int8), np.empty((0, 0)))
    return Predicted(
        index.astype(np.int64),
        codes.astype(np.int8),
        flat.reshape(len(index), -1).astype(np.float64),
    )


def answers_of(recording: Recording) -> list[tuple[int, int, int]]:
    """Which version staged any of a night, in which role and pass; the newest version first."""
    return rows.cursor().execute(ANSWERS, _whole(recording)).fetchall()


def newest_predictions(recording: Recording, answer: tuple[int, int, int]) -> Predicted:
    """What one version said of each epoch last, in one role and pass."""
    model, role, staging_pass = answer
    values = _whole(recording) | {"model": model, "role": role, "pass": staging_pass}
    return _predicted(*queries.arrays(NEWEST, values)[0])


def _whole(recording: Recording) -> dict[str, Any]:
    return {
        "tenant": recording.tenant_id,
        "recording": recording.pk,
        "start": recording.started_at,
        "end": grid.epoch_start(recording.started_at, grid.MAX_EPOCHS),
    }
