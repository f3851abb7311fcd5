"""Hypnograms: added for a night as it was staged, and found again."""

from dataclasses import dataclass
from datetime import timedelta

import msgspec
import numpy as np
from django.utils import timezone

from inference import statistics
from inference.engine import Staged
from inference.models import Hypnogram
from inference.plausibility import UNJUDGED, Plausibility
from noctis import errors
from noctis.db.arrays import PackedFloats, PackedInts
from recordings import grid, refusals, rows
from recordings.models import Recording

Disposition = Hypnogram.Disposition
INSERT = """
INSERT INTO inference_hypnogram (tenant_id, recording_id, model_id, revision, disposition,
    first_index, stages, confidences, statistics, coverage, mean_confidence, continuity,
    astray, input_hash, epoch_count, staged_at)
VALUES (%(tenant)s, %(recording)s, %(model)s, %(revision)s, %(disposition)s, %(first)s,
    %(stages)b::smallint[], %(confidences)b, %(statistics)s::jsonb, %(coverage)s, %(confidence)s,
    %(continuity)s, %(astray)s, %(hash)s, %(epochs)s, %(at)s)
RETURNING id
"""
AGAIN_IN_S = 5


class NightNotStaged(errors.Conflict):
    row = errors.registered(
        "night_not_staged",
        409,
        "The night has no hypnogram yet",
        "A night is staged within seconds of its closing; this one is open, or waits.",
        "Close it, or repeat after `Retry-After`. Live stages are in its predictions.",
        is_retryable=True,
    )


@dataclass(frozen=True)
class Verdict:
    """What a version made of a night, from its recording's first epoch on."""

    model_id: int
    disposition: Disposition
    staged: Staged
    input_hash: bytes
    # How many epochs were stored.
    epoch_count: int
    plausibility: Plausibility = UNJUDGED


@dataclass(frozen=True)
class Better:
    """A staged revision that stays the current one, and why."""

    hypnogram: Hypnogram
    reason: str


def current(*, recording: Recording) -> Hypnogram:
    """Find the newest hypnogram of a night, or refuse where none was made yet."""
    owned = Hypnogram.objects.owned_by(recording.tenant_id).select_related("model")
    found: Hypnogram | None = owned.of(recording).first()
    if found is None:
        raise NightNotStaged(retry_after_s=AGAIN_IN_S)
    return found


def add_hypnogram(*, recording: Recording, verdict: Verdict) -> Hypnogram:
    """Keep what became of a night as its next revision; the same again is the one that is there.

    The recording's row must be locked: revisions are counted under it."""
    wanted = _row(recording, verdict)
    owned = Hypnogram.objects.owned_by(recording.tenant_id).defer("stages", "confidences")
    newest: Hypnogram | None = owned.of(recording).first()
    if newest is not None:
        if _said(newest) == _said(wanted):
            return newest
        wanted.revision = newest.revision + 1
        wanted.staged_at = max(wanted.staged_at, newest.staged_at + timedelta(microseconds=1))
    wanted.pk = _inserted(wanted, verdict.staged)
    return wanted


def better_one(*, recording: Recording, verdict: Verdict) -> Better | None:
    """Find the staged revision that a verdict must not supersede: of more epochs, or the last word.

    The recording's row must be locked, as for adding one."""
    owned = Hypnogram.objects.owned_by(recording.tenant_id).defer("stages", "confidences")
    newest: Hypnogram | None = owned.of(recording).first()
    if newest is None or not newest.has_stages:
        return None
    is_less = verdict.epoch_count < newest.epoch_count
    if is_less and verdict.disposition != Disposition.SCHEMA_MISMATCH:
        return Better(newest, refusals.EpochsGone.row.code)
    if verdict.disposition not in Hypnogram.WITH_STAGES:
        return Better(newest, str(verdict.disposition))
    return None


def _inserted(row: Hypnogram, staged: Staged) -> int:
    """The arrays whole: the ORM would look at each of their numbers four times."""
    values = {
        "tenant": row.tenant_id,
        "recording": row.recording_id,
        "model": row.model_id,
        "revision": row.revision,
        "disposition": str(row.disposition),
        "first": row.first_index,
        "stages": PackedInts.of(staged.stages.astype(np.int32)),
        "confidences": PackedFloats.of(staged.confidence),
        "statistics": msgspec.json.encode(row.statistics).decode(),
        "coverage": row.coverage,
        "confidence": row.mean_confidence,
        "continuity": row.continuity,
        "astray": row.astray,
        "hash": row.input_hash,
        "epochs": row.epoch_count,
        "at": row.staged_at,
    }
    found = rows.cursor().execute(INSERT, values).fetchone()
    assert found is not None  # a row was inserted
    return int(found[0])


def _said(row: Hypnogram) -> tuple[object, ...]:
    told = row.model_id, row.disposition, bytes(row.input_hash), row.statistics
    return *told, row.epoch_count


def _row(recording: Recording, verdict: Verdict) -> Hypnogram:
    stages = verdict.staged.stages
    whole = statistics.laid_out(stages, 0, _time_in_bed(recording, len(stages)))
    counted = statistics.night_statistics(whole, recording.started_at)
    sure = verdict.staged.confidence[verdict.staged.is_staged]
    return Hypnogram(
        tenant_id=recording.tenant_id,
        recording=recording,
        model_id=verdict.model_id,
        disposition=verdict.disposition,
        stages=stages.tolist(),
        confidences=verdict.staged.confidence.tolist(),
        statistics=counted.as_json,
        coverage=(counted.coverage_pct or 0.0) / 100,
        mean_confidence=float(sure.mean(dtype=np.float64)) if len(sure) else None,
        continuity=verdict.plausibility.continuity,
        astray=verdict.plausibility.astray,
        input_hash=verdict.input_hash,
        epoch_count=verdict.epoch_count,
        staged_at=timezone.now(),
    )


def _time_in_bed(recording: Recording, count: int) -> range:
    """The epochs from the recording's start to its end, or to the last one that there is."""
    ended_at = recording.ended_at or recording.started_at
    end = grid.index_at(recording.started_at, ended_at)
    return range(min(max(count, end), grid.MAX_EPOCHS))
