"""What is due to be staged: found from rows, claimed so that nothing is begun again at once.

A claim outlives its worker; after a pause that grows with each try the pass is due anew.
"""

from datetime import timedelta
from typing import Any

from django.db import connection

from inference.models import Pass, StagingAttempt
from noctis import errors

# A device that catches up sends batch after batch: its night is staged when it has paused.
SETTLES_AFTER = timedelta(seconds=3)
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
# Two to the power of this many pauses is longer than the longest.
MOST_DOUBLINGS = 8
MOST_AT_ONCE = 300

NIGHTS = """
SELECT night.tenant_id, night.id, night.updated_at
FROM recordings_recording AS night
LEFT JOIN inference_stagingattempt AS before
    ON before.recording_id = night.id AND before.pass = %(pass)s
WHERE night.status = 'closed'
  AND (night.last_epoch_received_at IS NULL
       OR night.last_epoch_received_at < clock_timestamp() - %(settles_after)s::interval)
  AND (before.id IS NULL OR before.due_again_at <= clock_timestamp()
       OR before.of_state <> night.updated_at)
ORDER BY night.ended_at DESC LIMIT {room}
"""
LIVE = """
SELECT night.tenant_id, night.id, night.updated_at
FROM recordings_recording AS night
JOIN tenants_tenant AS tenant ON tenant.id = night.tenant_id AND tenant.stages_live
LEFT JOIN inference_livecursor AS cursor ON cursor.recording_id = night.id
LEFT JOIN inference_stagingattempt AS before
    ON before.recording_id = night.id AND before.pass = %(pass)s
WHERE night.status = 'open' AND night.last_epoch_received_at IS NOT NULL
  AND (cursor.staged_through IS NULL OR night.last_epoch_received_at > cursor.staged_through)
  AND (before.id IS NULL OR before.due_again_at <= clock_timestamp()
       OR before.of_state <> night.updated_at)
ORDER BY night.last_epoch_received_at LIMIT {room}
"""
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
SELECT due.tenant_id, due.id, %(pass)s, due.updated_at, 1, clock_timestamp(),
       clock_timestamp() + %(first_pause)s::interval, ''
FROM ({due}) AS due ORDER BY due.id
ON CONFLICT (recording_id, pass) DO UPDATE
SET of_state = excluded.of_state, begun_at = excluded.begun_at,
    tries = CASE WHEN before.of_state = excluded.of_state THEN before.tries + 1 ELSE 1 END,
    due_again_at = excluded.begun_at + CASE
        WHEN before.of_state <> excluded.of_state THEN %(first_pause)s::interval
        ELSE least(%(first_pause)s::interval * (2 ^ least(before.tries, %(doublings)s)),
                   %(longest_pause)s::interval) END
WHERE before.due_again_at <= excluded.begun_at OR before.of_state <> excluded.of_state
RETURNING before.recording_id
"""


def claim(*, staging_pass: Pass) -> list[int]:
    """Take what is due for a pass, so that others leave it alone for a while: recording ids."""
    due = {Pass.NIGHT: NIGHTS, Pass.LIVE: LIVE}[staging_pass]
    values: dict[str, Any] = {
        "pass": int(staging_pass),
        "settles_after": SETTLES_AFTER,
        "first_pause": FIRST_PAUSE,
        "longest_pause": LONGEST_PAUSE,
        "doublings": MOST_DOUBLINGS,
        "most": MOST_AT_ONCE,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM.format(due=due.format(room=ROOM)), values)
        return [recording_id for (recording_id,) in cursor.fetchall()]


def settle(*, recording_id: int, staging_pass: Pass) -> None:
    """Forget the attempt: what it was about is done, or is no longer to be done."""
    _attempt(recording_id, staging_pass).delete()


def settle_all(*, recording_id: int) -> None:
    """Forget the attempts of every pass: the night is staged."""
    StagingAttempt.objects.filter(recording_id=recording_id).delete()


def note_failure(*, recording_id: int, staging_pass: Pass, error: Exception) -> None:
    """Say what the attempt failed with: a code or a kind of error, never what it quotes."""
    told = error.row.code if isinstance(error, errors.Refusal) else type(error).__name__
    _attempt(recording_id, staging_pass).update(failure=told[:200])


def _attempt(recording_id: int, staging_pass: Pass) -> Any:
    return StagingAttempt.objects.filter(recording_id=recording_id, staging_pass=staging_pass)
