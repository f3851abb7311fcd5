"""Stress runs are done by one worker; what a worker left behind is ended by a sweep."""

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from operations.services import stress
from operations.services.load import here


@shared_task
def run_stress(run_id: int) -> None:
    stress.run(run_id=run_id)


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3)
def end_abandoned_runs() -> int:
    return stress.end_abandoned(at=timezone.now())


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3)
def remove_left_tenants() -> int:
    return here.remove_left(at=timezone.now())
