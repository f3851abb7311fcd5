"""Predictions that were just given, a row each: the hot path of `predicted`, which says the same.

Nothing that Python's collector counts: a night of it would have it look through all there is."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

import msgspec
import numpy as np

from inference import prediction_ids
from inference.bodies.predicted import names_of, shares_of
from inference.prediction_ids import FEW, PredictionKey
from inference.rows import Logged, Occasion
from recordings import grid, streams
from recordings.stages import code_of


class JustGiven(msgspec.Struct, gc=False):
    """As `bodies.predictions.Predicted` describes it."""

    id: str
    epoch_index: int
    window_start_ts: str
    window_end_ts: str
    predicted_stage: str
    confidence: float
    probabilities: msgspec.Struct
    cached: bool


class _Labels:
    """The stages of a model by code, and its probabilities by stage."""

    def __init__(self, labels: Sequence[str]) -> None:
        names = names_of(labels)
        self.by_code = dict(zip(map(code_of, labels), names, strict=True))
        self.shares = msgspec.defstruct("Shares", [(name, float) for name in names], gc=False)


_labels = lru_cache(_Labels)


def rows(occasion: Occasion, logged: Logged, labels: Sequence[str], before: int) -> list[JustGiven]:
    """`before` is how many epochs a window begins before the one that is staged."""
    named, index = _labels(labels), logged.index.tolist()
    key = PredictionKey(
        occasion.recording_id, 0, occasion.model_id, occasion.role, occasion.staging_pass, 0
    )
    firsts = [max(place - before, 0) for place in index]
    instants = _instants(occasion.started_at, {*firsts, *(place + 1 for place in index)})
    found = zip(
        prediction_ids.texts(key, logged.index, logged.revision),
        index,
        firsts,
        logged.stages.tolist(),
        shares_of(logged.confidence).tolist(),
        shares_of(logged.probabilities).tolist(),
        logged.is_known.tolist(),
        strict=True,
    )
    return [
        JustGiven(
            id_,
            place,
            instants[first],
            instants[place + 1],
            named.by_code[code],
            confidence,
            named.shares(*shares),
            is_known,
        )
        for id_, place, first, code, confidence, shares, is_known in found
    ]


def _instants(started_at: datetime, places: set[int]) -> dict[int, str]:
    """RFC 3339 in UTC of where the epochs at these places begin."""
    origin = started_at.replace(tzinfo=None)
    if len(places) > FEW:
        ordered = sorted(places)
        grid_s = np.array(ordered, "m8[s]") * grid.EPOCH_S
        return dict(
            zip(ordered, streams.instants(np.datetime64(origin, "us") + grid_s), strict=True)
        )
    return {at: f"{grid.epoch_start(origin, at).isoformat()}Z" for at in places}
