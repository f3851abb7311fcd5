"""What runs by itself for the foundations: what has expired is deleted, traffic is sampled."""

from importlib import import_module

from celery import shared_task
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from noctis import idempotency, metric_files
from noctis.dashboard import sampling


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=5)
def forget_expired_answers() -> int:
    """Some at a time, so that no delete is long; what is left is invisible all the same."""
    forgotten = idempotency.forget_expired(at=timezone.now())
    if forgotten == idempotency.MOST_FORGOTTEN:
        forget_expired_answers.delay()
    return forgotten


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=5)
def forget_expired_sessions() -> None:
    """What Django's `clearsessions` does, wherever the sessions are kept."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=5)
def sample_traffic() -> bool:
    """Once a minute; what a lost message did not add, the next one does."""
    at = timezone.now()
    metric_files.fold_dead()
    sampling.forget(at=at)
    return sampling.sample(registry=metric_files.registry(), at=at)
