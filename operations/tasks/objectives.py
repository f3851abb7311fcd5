"""What runs by itself for the objectives: each minute they are evaluated."""

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from operations.services import objectives


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=3)
def evaluate_objectives() -> None:
    objectives.evaluate(at=timezone.now())
