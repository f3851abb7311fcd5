"""Stages that were given, read past the ORM: whole arrays, one statement a night."""

from collections.abc import Iterator, Sequence
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

# Nights of a version's current staging that somebody scored: the newest scoring, the stages given.
BOTH = """
SELECT night.id, night.started_at, night.tenant_id, night.device_id, night.subject, scored.stages,
       given.index, given.stage, given.shares
FROM recordings_recording AS night
CROSS JOIN LATERAL (
    SELECT model_id, input_hash FROM inference_hypnogram
    WHERE tenant_id = night.tenant_id AND recording_id = night.id ORDER BY id DESC LIMIT 1
) AS staged
CROSS JOIN LATERAL (
    SELECT stages::integer[] AS stages FROM recordings_labelset
    WHERE tenant_id = night.tenant_id AND recording_id = night.id ORDER BY version DESC LIMIT 1
) AS scored
CROSS JOIN LATERAL (
    SELECT array_agg(epoch_index) AS index, array_agg(stage::integer) AS stage,
           array_agg(probabilities) AS shares
    FROM inference_prediction
    WHERE tenant_id = night.tenant_id AND recording_id = night.id
      AND window_end_ts > night.started_at
      AND window_end_ts <= night.started_at + interval '1 day'
      AND model_id = %(model)s AND role = %(role)s AND pass = %(pass)s
      AND input_hash = staged.input_hash
) AS given
WHERE (%(tenants)s::bigint[] IS NULL OR night.tenant_id = ANY(%(tenants)s))
  AND night.status <> 'erasing'
  AND night.started_at >= %(start)s AND night.started_at < %(end)s AND night.id > %(after)s
  AND staged.model_id = %(model)s AND given.index IS NOT NULL
ORDER BY night.id LIMIT %(limit)s
"""
# So many nights are in memory at once, however many there are.
NIGHTS_AT_ONCE = 100


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


@dataclass(frozen=True)
class Sleeper:
    """Whom a night is of; where no subject is named, whoever sleeps beside that device."""

    tenant_id: int
    device_id: int | None
    subject: str

    @property
    def name(self) -> str:
        return self.subject or f"device {self.device_id}"


@dataclass(frozen=True)
class ScoredNight:
    """A night as a version staged it and as its newest scoring has it."""

    recording_id: int
    started_at: datetime
    sleeper: Sleeper
    truth: NDArray[np.int8]  # (epochs,) codes
    predicted: Predicted


@dataclass(frozen=True)
class Scope:
    """Whose nights, of which version, that began when; None is all tenants."""

    tenant_ids: Sequence[int] | None
    model_id: int
    start: datetime
    end: datetime


def scored_nights(scope: Scope) -> Iterator[ScoredNight]:
    """Every one of them, a page of them in memory at a time."""
    values: dict[str, Any] = {
        "tenants": None if scope.tenant_ids is None else list(scope.tenant_ids),
        "model": scope.model_id,
        "start": scope.start,
        "end": scope.end,
        "role": int(Role.PRODUCTION),
        "pass": int(Pass.NIGHT),
        "limit": NIGHTS_AT_ONCE,
        "after": 0,
    }
    while page := queries.arrays(BOTH, values):
        for key, started_at, tenant, device, subject, truth, index, codes, flat in page:
            sleeper = Sleeper(tenant, None if subject else device, subject)
            shares = flat.reshape(len(index), -1).astype(np.float64)
            given = Predicted(index.astype(np.int64), codes.astype(np.int8), shares)
            yield ScoredNight(key, started_at, sleeper, truth.astype(np.int8), given)
            values["after"] = key
        if len(page) < NIGHTS_AT_ONCE:
            return
