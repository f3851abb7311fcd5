"""A replay's nights: claimed, staged without a lock, and counted once by one statement each.

A claim lapses with its worker and the night is due again; a night that is done never is."""

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache

import numpy as np
import structlog
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from inference.models import ModelVersion, Pass, Role
from inference.rows import Occasion
from inference.services import predictions
from inference.services.predictions import Staging, Work
from inference.serving import Served, snapshot
from mlops.comparison import NightCounts, count_night
from mlops.models import Replay, ReplayNight
from mlops.services import holdout, replays, restaging
from mlops.services.replays import FITTED
from mlops.services.restaging import NotRestaged, Restaged
from noctis import context, errors
from recordings.models import Recording

log = structlog.get_logger(__name__)
HELD_FOR = timedelta(seconds=60)
# No more is claimed than workers take out within that time.
MOST_AT_ONCE = 120
CHUNK = 10
MOST_TRIES = 3
Status = ReplayNight.Status

# The oldest replay first; rows that another sweep is about to claim are left to it.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT night.id FROM mlops_replaynight AS night
    JOIN mlops_replay AS replay ON replay.id = night.replay_id
    WHERE replay.status IN ('queued', 'running') AND night.status = 'due'
      AND (night.held_until IS NULL OR night.held_until <= clock_timestamp())
    ORDER BY night.replay_id, night.id
    LIMIT greatest(0, %s - (
        SELECT count(*) FROM mlops_replaynight
        WHERE status = 'due' AND held_until > clock_timestamp()))
    FOR UPDATE OF night SKIP LOCKED)
UPDATE mlops_replaynight AS night
SET held_until = clock_timestamp() + %s * interval '1 second'
FROM due WHERE night.id = due.id
RETURNING night.replay_id, night.id
"""


def claim_nights() -> list[tuple[int, list[int]]]:
    """Take what is due, as far as workers come after: replays, and chunks of their nights."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [MOST_AT_ONCE, HELD_FOR.total_seconds()])
        claimed = sorted(cursor.fetchall())
    by_replay: dict[int, list[int]] = {}
    for replay, night in claimed:
        by_replay.setdefault(replay, []).append(night)
    return [
        (replay, nights[at : at + CHUNK])
        for replay, nights in by_replay.items()
        for at in range(0, len(nights), CHUNK)
    ]


def work_off(*, replay_id: int, nights: Sequence[int]) -> int:
    """Stage nights of a replay that are due, one after the other; says how many were counted."""
    related = ("tenant", "first__schema", "second__schema")
    found: Replay | None = (
        Replay.objects.alive().filter(pk=replay_id).select_related(*related).first()
    )
    if found is None:
        return 0
    now = timezone.now()
    Replay.objects.filter(pk=replay_id, status=Replay.Status.QUEUED).update(
        status=Replay.Status.RUNNING, started_at=now
    )
    versions = {name: _served(row.pk, row.artifact_hash) for name, row in found.versions.items()}
    counted = sum(_worked_off(found, versions, night) for night in nights)
    replays.note_progress(replay=found)
    return counted


@lru_cache(maxsize=4)
def _served(pk: int, artifact_hash: str) -> Served:
    """An artifact never changes under its hash: it is read once in a process."""
    return snapshot.serve(ModelVersion.objects.select_related("schema").get(pk=pk))


def _worked_off(replay: Replay, versions: dict[str, Served], pk: int) -> bool:
    night = _begun(replay, pk)
    if night is None:
        return False
    if night.tries > MOST_TRIES:
        return _end(night, Status.FAILED, reason=night.reason or "worker_died")
    try:
        found = restaging.restage(recording=night.recording, versions=versions)
    except NotRestaged as reason:
        return _end(night, Status.LEFT_OUT, reason=str(reason))
    except Exception as error:
        # The night is tried again after its pause; the log has the whole.
        told = error.row.code if isinstance(error, errors.Refusal) else type(error).__name__
        ReplayNight.objects.filter(pk=pk).update(reason=told[:200])
        raise
    is_fitted = holdout.is_fitted_to(found=found, versions=versions)
    night.reason = FITTED if is_fitted else ""
    pairs = restaging.pairs_of(list(versions))
    counts = count_night(found.lines, restaging.untrue(pairs) if is_fitted else pairs)
    return _counted(replay, versions, night, found, counts)


def _begun(replay: Replay, pk: int) -> ReplayNight | None:
    """Each night is begun by itself, so that one that kills its worker uses up its own tries."""
    due = ReplayNight.objects.filter(pk=pk, replay__status__in=("queued", "running"))
    due = due.filter(status=Status.DUE)
    if not due.update(tries=F("tries") + 1, held_until=timezone.now() + HELD_FOR):
        return None
    owned = ReplayNight.objects.owned_by(replay.tenant_id).select_related("recording__tenant")
    night: ReplayNight | None = owned.filter(pk=pk).first()
    return night


def _counted(
    replay: Replay,
    versions: dict[str, Served],
    night: ReplayNight,
    found: Restaged,
    counts: NightCounts,
) -> bool:
    with transaction.atomic():
        if not _end(night, Status.DONE, counts=counts.as_json, reason=night.reason):
            return False
        if replay.is_stored:
            for name, served in versions.items():
                _log(night.recording, found, name, served)
    return True


def _end(night: ReplayNight, status: str, **facts: object) -> bool:
    due = ReplayNight.objects.filter(pk=night.pk, status=Status.DUE)
    return bool(due.update(status=status, held_until=None, **facts))


def _log(recording: Recording, found: Restaged, name: str, served: Served) -> None:
    work = Work(recording.tenant_id, served, found.night, Pass.NIGHT)
    index = np.arange(len(found.night), dtype=np.int64)
    staging = Staging(index, found.staged[name], work.hashes)
    occasion = Occasion(
        recording.tenant_id,
        recording.pk,
        recording.started_at,
        served.model_id,
        Role.REPLAY,
        Pass.NIGHT,
        context.request_id(),
    )
    predictions.log(
        occasion=occasion,
        given=staging.given(),
        served=served,
        latency_us=found.lines[name].latency_us or 0,
    )


def forget_night(*, recording: Recording) -> None:
    """Remove a night from every replay, in its erasure's own transaction."""
    ReplayNight.objects.filter(tenant_id=recording.tenant_id, recording=recording).delete()


def unfinished() -> list[int]:
    """Find the replays of which no night is due any more, and that nobody summed up."""
    alive = Replay.objects.alive().exclude(members__status=Status.DUE)
    return list(alive.values_list("pk", flat=True))


def sum_up() -> list[int]:
    """Sum up whatever has no night left to stage, and keep its most different nights to draw."""
    ended = [pk for pk in unfinished() if replays.finish_replay(pk=pk)]
    for pk in ended:
        _keep_lines(pk)
    return ended


def _keep_lines(pk: int) -> None:
    """They are staged once more, for no lines are kept while nights are counted."""
    related = ("tenant", "first", "second")
    replay = Replay.objects.select_related(*related).get(pk=pk)
    versions = {name: _served(row.pk, row.artifact_hash) for name, row in replay.versions.items()}
    for night in replays.most_different(replay=replay):
        try:
            found = restaging.restage(recording=night.recording, versions=versions)
        except NotRestaged as reason:
            log.info("replay_night_not_drawn", replay=str(replay.uuid), reason=str(reason))
            continue
        lines = {name: line.stages.tolist() for name, line in found.lines.items()}
        ReplayNight.objects.filter(pk=night.pk).update(lines=lines)
