"""What runs by itself for models' quality: each tenant's nights are held against those before."""

from celery import shared_task
from django.db import OperationalError

from mlops.services import drift

RETRIED = {"autoretry_for": (OperationalError,), "retry_backoff": True, "max_retries": 5}


@shared_task(**RETRIED)
def look_for_drift() -> int:
    return drift.run_all()
