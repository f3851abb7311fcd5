"""What runs by itself for the foundations: answers are kept for a day and then forgotten."""

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from noctis import idempotency


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=5)
def forget_expired_answers() -> int:
    """Some at a time, so that no delete is long; what is left is invisible all the same."""
    forgotten = idempotency.forget_expired(at=timezone.now())
    if forgotten == idempotency.MOST_FORGOTTEN:
        forget_expired_answers.delay()
    return forgotten
