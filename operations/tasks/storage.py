"""What runs by itself for storage: days are summed up, and what is past its retention goes."""

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from operations.services import runs
from tenants.models import AuditEntry
from tenants.services.audit import Actor

RETRIED = {"autoretry_for": (OperationalError,), "retry_backoff": True, "max_retries": 5}
KEEPER = Actor("schedule", AuditEntry.Channel.TASK)


@shared_task(**RETRIED)
def refresh_summaries() -> dict[str, int]:
    return runs.refresh(at=timezone.now())


@shared_task(**RETRIED)
def retain() -> dict[str, int]:
    """Nothing goes before `storage apply` has said how long what is kept."""
    return runs.retain(at=timezone.now(), actor=KEEPER)
