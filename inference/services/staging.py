"""Nights are staged by themselves: whole once they are closed, their newest epochs meanwhile.

The work is done without a lock and kept in one transaction, if the night is still what was staged;
else nothing is written and the night stays due. So it may be done twice, at once, or be cut short.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from django.db import connection, transaction
from django.db.models import Min, QuerySet

from inference import queries, serving
from inference.engine import Night, Staged
from inference.engine.nights import Codes, Floats
from inference.models import Hypnogram, LiveCursor, Pass, Role
from inference.queries import StoredNight
from inference.rows import Logged, Occasion
from inference.services import due, hypnograms, predict, predictions
from inference.services.hypnograms import Verdict
from inference.services.predictions import Staging, Work
from inference.serving import Served
from noctis import context
from recordings.models import Epoch, Recording
from recordings.services import nights

Disposition = Hypnogram.Disposition
Status = Recording.Status
LOCK_TIMEOUT = "10s"


def serves(*, staging_pass: Pass) -> bool:
    """Say whether anything could stage now: without a model, nothing is begun that must fail."""
    return serving.current().of(staging_pass.name.lower()) is not None


def stage_night(*, recording_id: int) -> Hypnogram | None:
    """Give a closed night its hypnogram and mark it as staged; None where it is not due."""
    with _noted(recording_id, Pass.NIGHT):
        found = _found(recording_id, Status.CLOSED)
        if found is None:
            due.settle(recording_id=recording_id, staging_pass=Pass.NIGHT)
            return None
        served = _served(found, Pass.NIGHT)
        judged = _judge(found, served)
        with transaction.atomic():
            return _keep_night(found, served, judged)


def stage_live(*, recording_id: int) -> int:
    """Stage what came in of an open night since the last time; says how many have a stage."""
    with _noted(recording_id, Pass.LIVE):
        found = _found(recording_id, Status.OPEN)
        if found is None:
            due.settle(recording_id=recording_id, staging_pass=Pass.LIVE)
            return 0
        served = _served(found, Pass.LIVE)
        judged = _judge_newest(found, served)
        with transaction.atomic():
            return _keep_live(found, served, judged)


@contextmanager
def _noted(recording_id: int, staging_pass: Pass) -> Iterator[None]:
    """What fails is named in its attempt and goes on to the log; it is due again after a pause."""
    try:
        yield
    except Exception as error:
        due.note_failure(recording_id=recording_id, staging_pass=staging_pass, error=error)
        raise


@dataclass(frozen=True)
class Found:
    """A recording and its epochs, as one statement saw both."""

    recording: Recording
    stored: StoredNight

    @property
    def received_at(self) -> datetime | None:
        return self.stored.received_at


def _found(recording_id: int, status: str) -> Found | None:
    recording = Recording.objects.filter(pk=recording_id).select_related("tenant").first()
    if recording is None:
        return None
    stored = queries.night_of(recording.tenant, recording.uuid)
    return Found(recording, stored) if stored and stored.status == status else None


def _served(found: Found, staging_pass: Pass) -> Served:
    snapshot = serving.current().seen_by(found.recording.tenant_id)
    return predict.served_by(snapshot=snapshot, staging_pass=staging_pass)


@dataclass(frozen=True)
class StagedNight:
    """What the apps above are told of a night that was staged."""

    recording: Recording
    model_id: int
    metadata: dict[str, Any]
    names: tuple[str, ...]  # of the features
    codes: Codes  # (labels,) of recordings.stages
    features: Floats  # (epochs, features) from the recording's first epoch on, NaN for a gap
    staged: Staged


class Observer(Protocol):
    """Keeps what it wants of a night, in the transaction that stages it."""

    def __call__(self, *, night: StagedNight) -> None: ...


# This app never learns their names.
_observers: list[Observer] = []


def also_tell(*, observer: Observer) -> None:
    """Have another app told of every night that gets a hypnogram."""
    if observer not in _observers:
        _observers.append(observer)


@dataclass(frozen=True)
class Judged:
    """What became of a night, and how long it took to say."""

    disposition: Disposition
    staging: Staging
    latency_us: int


def _judge(found: Found, served: Served) -> Judged:
    """Epochs of another schema are not staged; nor are some of them as if they were gaps."""
    is_fit = _is_fit(found.stored, served)
    has_epochs = is_fit and len(found.stored.index) > 0
    night = found.stored.laid_out() if has_epochs else _empty(served)
    staging, latency_us = _timed(Work(found.recording.tenant_id, served, night, Pass.NIGHT))
    if not is_fit:
        return Judged(Disposition.SCHEMA_MISMATCH, staging, latency_us)
    if not staging.staged.is_staged.any():
        return Judged(Disposition.NOT_ENOUGH_EPOCHS, staging, latency_us)
    is_implausible = staging.plausibility.is_implausible
    disposition = Disposition.IMPLAUSIBLE if is_implausible else Disposition.STAGED
    return Judged(disposition, staging, latency_us)


def _judge_newest(found: Found, served: Served) -> Judged | None:
    """The epochs from the first on that came since the last time; None where there are none."""
    if not _is_fit(found.stored, served) or not len(found.stored.index):
        return None
    first = _first_new(found)
    if first is None:
        return None
    night = found.stored.laid_out()
    work = Work(found.recording.tenant_id, served, night, Pass.LIVE, len(night) - first)
    staging, latency_us = _timed(work)
    return Judged(Disposition.STAGED, staging, latency_us)


def _first_new(found: Found) -> int | None:
    recording = found.recording
    epochs = Epoch.objects.filter(tenant_id=recording.tenant_id, recording_id=recording.pk)
    cursor = LiveCursor.objects.owned_by(recording.tenant_id).filter(recording=recording).first()
    if cursor is not None:
        epochs = epochs.filter(received_at__gt=cursor.staged_through)
    known = epochs.filter(received_at__lte=found.received_at)
    first: int | None = known.aggregate(first=Min("epoch_index"))["first"]
    return first


def _is_fit(stored: StoredNight, served: Served) -> bool:
    return stored.schema_ids <= {served.schema_id}


def _empty(served: Served) -> Night:
    return Night(np.empty((0, len(served.model.features)), np.float32))


def _timed(work: Work) -> tuple[Staging, int]:
    started = time.perf_counter()
    staging = predictions.stage(work)
    return staging, round((time.perf_counter() - started) * 1e6)


def _keep_night(found: Found, served: Served, judged: Judged) -> Hypnogram | None:
    """Everything or nothing: the log, the hypnogram, the state; nothing of a night that changed."""
    unchanged = Recording.objects.closed().filter(last_epoch_received_at=found.received_at)
    recording = _locked(unchanged, found)
    if recording is None:
        # Nothing failed: what it has become is due as it is.
        due.settle(recording_id=found.recording.pk, staging_pass=Pass.NIGHT)
        return None
    verdict = Verdict(
        served.model_id,
        judged.disposition,
        judged.staging.staged,
        judged.staging.hashes,
        found.stored.count,
        judged.staging.plausibility,
    )
    better = hypnograms.better_one(recording=recording, verdict=verdict)
    if better is None:
        logged = _log(found, served, judged, Pass.NIGHT)
        verdict = replace(verdict, staged=_as_logged(verdict.staged, logged))
        hypnogram = hypnograms.add_hypnogram(recording=recording, verdict=verdict)
        _tell(found, served, verdict)
    else:
        hypnogram = better.hypnogram
    nights.mark_staged(recording=recording, received_at=found.received_at)
    due.settle_all(recording_id=recording.pk)
    if better is not None:
        due.note_kept(recording=recording, staging_pass=Pass.NIGHT, reason=better.reason)
    LiveCursor.objects.owned_by(recording.tenant_id).filter(recording=recording).delete()
    return hypnogram


def _tell(found: Found, served: Served, verdict: Verdict) -> None:
    if verdict.disposition not in Hypnogram.WITH_STAGES:
        return
    night = StagedNight(
        found.recording,
        served.model_id,
        served.manifest.facts,
        served.model.features,
        served.model.codes,
        found.stored.laid_out().features,
        verdict.staged,
    )
    for observer in _observers:
        observer(night=night)


def _keep_live(found: Found, served: Served, judged: Judged | None) -> int:
    """Epochs that came meanwhile were received later than what the cursor says."""
    recording = _locked(Recording.objects.open(), found)
    if recording is None:
        return 0
    count = len(_log(found, served, judged, Pass.LIVE)) if judged else 0
    if found.received_at is not None:
        _advance(recording, found.received_at)
    due.settle(recording_id=recording.pk, staging_pass=Pass.LIVE)
    return count


def _locked(rows: QuerySet[Recording], found: Found) -> Recording | None:
    """Whoever holds it for long is not waited for: the night is due again after its pause."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
    return rows.filter(pk=found.recording.pk).select_for_update(no_key=True).first()


def _as_logged(staged: Staged, logged: Logged) -> Staged:
    """The same inputs may have been answered before: what the log says of them is what counts."""
    stages, confidence = staged.stages.copy(), staged.confidence.copy()
    stages[logged.index], confidence[logged.index] = logged.stages, logged.confidence
    return replace(staged, stages=stages, confidence=confidence)


def _log(found: Found, served: Served, judged: Judged, staging_pass: Pass) -> Logged:
    recording = found.recording
    occasion = Occasion(
        recording.tenant_id,
        recording.pk,
        recording.started_at,
        served.model_id,
        Role.PRODUCTION,
        staging_pass,
        context.request_id(),
    )
    return predictions.log(
        occasion=occasion,
        given=judged.staging.given(),
        served=served,
        latency_us=judged.latency_us,
    )


def _advance(recording: Recording, through: datetime) -> None:
    """Under the recording's lock; of two that were at it at once, the later one counts."""
    facts = {"tenant_id": recording.tenant_id, "staged_through": through}
    cursor, is_new = LiveCursor.objects.get_or_create(recording=recording, defaults=facts)
    if not is_new and cursor.staged_through < through:
        cursor.staged_through = through
        cursor.save(update_fields=["staged_through"])
