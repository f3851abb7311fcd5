"""What runs by itself on nights: abandoned ones are closed, what is to be forgotten is erased."""

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from recordings.models import Erasure
from recordings.services import erasure, nights
from tenants.models import AuditEntry
from tenants.services.audit import Actor

RETRIED = {"autoretry_for": (OperationalError,), "retry_backoff": True, "max_retries": 5}
ERASER = Actor("schedule", AuditEntry.Channel.TASK)


@shared_task(**RETRIED)
def close_abandoned() -> int:
    return nights.close_abandoned(at=timezone.now())


@shared_task(**RETRIED)
def erase_due() -> None:
    """The row is the queue: whatever is due is done, whether or not its message was lost."""
    for pk in Erasure.objects.due().order_by("created_at").values_list("pk", flat=True)[:100]:
        erase.delay(pk)


@shared_task(**RETRIED)
def erase(erasure_id: int) -> None:
    erasure.work_off(erasure_id=erasure_id, actor=ERASER)
