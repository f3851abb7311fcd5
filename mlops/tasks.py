"""What runs by itself for models' quality: each tenant's nights are held against those before."""

from celery import shared_task
from django.db import OperationalError

from mlops.services import drift

RETRIED = {"autoretry_for": (OperationalError,), "retry_backoff": True, "max_retries": 5}


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
