"""What is due to be staged: found from rows, claimed so that nothing is begun again at once.

A claim outlives its worker; after a pause that grows with each try the pass is due anew.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from inference.models import Pass, StagingAttempt
from noctis import errors
from recordings.models import Recording

# A device that catches up sends batch after batch: its night is staged when it has paused.
SETTLES_AFTER = timedelta(seconds=3)
LONGEST_SETTLING = timedelta(minutes=30)
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
# Two to the power of this many pauses is longer than the longest.
MOST_DOUBLINGS = 8
MOST_AT_ONCE = 300

NIGHTS = """
SELECT night.tenant_id, night.id, night.updated_at, {tries} AS tries
FROM recordings_recording AS night
LEFT JOIN inference_stagingattempt AS before
    ON before.recording_id = night.id AND before.pass = %(pass)s
WHERE night.status = 'closed'
  AND (night.last_epoch_received_at IS NULL
       OR night.last_epoch_received_at < clock_timestamp() - {settling})
  AND (before.id IS NULL OR before.due_again_at <= clock_timestamp() OR {asked_anew})
ORDER BY night.ended_at DESC LIMIT {room}
"""
LIVE = """
SELECT night.tenant_id, night.id, night.updated_at, {tries} AS tries
FROM recordings_recording AS night
JOIN tenants_tenant AS tenant ON tenant.id = night.tenant_id AND tenant.stages_live
LEFT JOIN inference_livecursor AS cursor ON cursor.recording_id = night.id
LEFT JOIN inference_stagingattempt AS before
    ON before.recording_id = night.id AND before.pass = %(pass)s
WHERE night.status = 'open' AND night.last_epoch_received_at IS NOT NULL
  AND (cursor.staged_through IS NULL OR night.last_epoch_received_at > cursor.staged_through)
  AND (before.id IS NULL OR before.due_again_at <= clock_timestamp() OR {asked_anew})
ORDER BY night.last_epoch_received_at LIMIT {room}
"""
# The more often a night was staged, the longer a pause is taken for its end: one that goes on being
# sent after its closing is staged a few times, not once for each of its batches.
SETTLING = """
greatest(%(settles_after)s::interval, least(%(longest_settling)s::interval,
    %(settling_more)s::interval * (SELECT count(*) FROM inference_hypnogram AS made
        WHERE made.tenant_id = night.tenant_id AND made.recording_id = night.id)))
"""
# Ingest writes one instant into both: new epochs alone do not mend what failed, somebody may.
ASKED_ANEW = """
(before.of_state <> night.updated_at
 AND (night.last_epoch_received_at IS NULL OR night.updated_at > night.last_epoch_received_at))
"""
TRIES = "CASE WHEN before.id IS NULL OR {asked_anew} THEN 1 ELSE before.tries + 1 END"
# What was begun a moment ago may still be in the queue: no more is added than workers take out.
ROOM = """
greatest(0, %(most)s - (SELECT count(*) FROM inference_stagingattempt
                        WHERE pass = %(pass)s
                          AND begun_at > clock_timestamp() - %(first_pause)s::interval))
"""
# In one order, so that two sweeps that meet wait instead of locking each other out.
CLAIM = """
INSERT INTO inference_stagingattempt AS before
    (tenant_id, recording_id, pass, of_state, tries, begun_at, due_again_at, failure)
SELECT due.tenant_id, due.id, %(pass)s, due.updated_at, due.tries, now.at,
       now.at + least(%(longest_pause)s::interval,
           %(first_pause)s::interval * (2 ^ least(due.tries - 1, %(doublings)s))), ''
FROM ({due}) AS due CROSS JOIN (SELECT clock_timestamp() AS at) AS now ORDER BY due.id
ON CONFLICT (recording_id, pass) DO UPDATE
SET of_state = excluded.of_state, begun_at = excluded.begun_at, tries = excluded.tries,
    due_again_at = excluded.due_again_at
WHERE before.due_again_at <= excluded.begun_at
   OR (excluded.tries = 1 AND before.of_state <> excluded.of_state)
RETURNING before.recording_id
"""


def claim(*, staging_pass: Pass) -> list[int]:
    """Take what is due for a pass, so that others leave it alone for a while: recording ids."""
    values: dict[str, Any] = {
        "pass": int(staging_pass),
        "settles_after": SETTLES_AFTER,
        "settling_more": timedelta(seconds=settings.STAGING_PAUSE_S),
        "longest_settling": LONGEST_SETTLING,
        "first_pause": FIRST_PAUSE,
        "longest_pause": LONGEST_PAUSE,
        "doublings": MOST_DOUBLINGS,
        "most": MOST_AT_ONCE,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM.format(due=due_of(staging_pass=staging_pass)), values)
        return [recording_id for (recording_id,) in cursor.fetchall()]


def due_of(*, staging_pass: Pass) -> str:
    """The statement that finds what is due for a pass."""
    query = {Pass.NIGHT: NIGHTS, Pass.LIVE: LIVE}[staging_pass]
    tries = TRIES.format(asked_anew=ASKED_ANEW)
    return query.format(room=ROOM, settling=SETTLING, asked_anew=ASKED_ANEW, tries=tries)


def settle(*, recording_id: int, staging_pass: Pass) -> None:
    """Forget the attempt: what it was about is done, or is no longer to be done.

    Why a night was kept is no attempt: it stays told until the night is staged anew."""
    _attempt(recording_id, staging_pass).filter(tries__gt=0).delete()


def settle_all(*, recording_id: int) -> None:
    """Forget the attempts of every pass: the night is staged."""
    StagingAttempt.objects.filter(recording_id=recording_id).delete()


def note_failure(*, recording_id: int, staging_pass: Pass, error: Exception) -> None:
    """Say what the attempt failed with: a code or a kind of error, never what it quotes."""
    told = error.row.code if isinstance(error, errors.Refusal) else type(error).__name__
    _attempt(recording_id, staging_pass).update(failure=told[:200])


def note_kept(*, recording: Recording, staging_pass: Pass, reason: str) -> None:
    """Say why a night keeps what it was staged as; nothing is tried again for that."""
    now = timezone.now()
    StagingAttempt.objects.create(
        tenant_id=recording.tenant_id,
        recording=recording,
        staging_pass=staging_pass,
        of_state=recording.updated_at,
        tries=0,
        begun_at=now,
        due_again_at=now,
        failure=reason,
    )


def _attempt(recording_id: int, staging_pass: Pass) -> Any:
    return StagingAttempt.objects.filter(recording_id=recording_id, staging_pass=staging_pass)
