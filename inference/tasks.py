"""What runs by itself on nights: sweeps claim what is due, and each night is a task of its own.

A lost message loses nothing: the row is the queue, and a claim ends by itself. So messages are
taken before the work is done, and what kills its worker is not handed to the next one at once.
"""

from celery import shared_task
from django.db import OperationalError

from inference.models import Pass
from inference.services import due, staging

RETRIED = {"autoretry_for": (OperationalError,), "retry_backoff": True, "max_retries": 5}
# A night takes less than a second; what hangs must not hold its worker.
LIMITS = {"soft_time_limit": 50, "time_limit": 60}
ONCE = {"acks_late": False, "reject_on_worker_lost": False, **LIMITS}


@shared_task(**RETRIED)
def stage_due_nights() -> int:
    """Where no model serves the night pass, nights wait without being tried."""
    claimed = due.claim(staging_pass=Pass.NIGHT) if staging.serves(staging_pass=Pass.NIGHT) else []
    for recording_id in claimed:
        stage_night.delay(recording_id)
    return len(claimed)


@shared_task(**RETRIED)
def stage_due_live() -> int:
    claimed = due.claim(staging_pass=Pass.LIVE) if staging.serves(staging_pass=Pass.LIVE) else []
    for recording_id in claimed:
        stage_live.delay(recording_id)
    return len(claimed)


@shared_task(**ONCE)
def stage_night(recording_id: int) -> None:
    staging.stage_night(recording_id=recording_id)


@shared_task(**ONCE)
def stage_live(recording_id: int) -> None:
    staging.stage_live(recording_id=recording_id)
