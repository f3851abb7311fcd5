"""What runs by itself for models' quality: nights are held against others, versions judged."""

from celery import shared_task
from django.db import OperationalError

from mlops.services import drift, gates

RETRIED = {"autoretry_for": (OperationalError,), "retry_backoff": True, "max_retries": 5}
# A claim lapses when its worker dies, so a message is taken before the work is done.
JOB = {"acks_late": False, "soft_time_limit": 1_800, "time_limit": 1_860}


@shared_task(**RETRIED)
def look_for_drift() -> int:
    """A task for each: one that fails keeps nobody else's from being looked at."""
    found = drift.due()
    for tenant_id, model_id in found:
        look_for_one.delay(tenant_id, model_id)
    return len(found)


@shared_task(**RETRIED)
def look_for_one(tenant_id: int, model_id: int) -> str:
    return str(drift.run_due(tenant_id=tenant_id, model_id=model_id).severity)


@shared_task(**RETRIED)
def judge_due() -> int:
    found = gates.due()
    for pk in found:
        judge_version.delay(pk)
    return len(found)


@shared_task(**JOB)
def judge_version(pk: int) -> None:
    gates.run_gates(pk=pk)
