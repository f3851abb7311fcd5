"""What runs by itself for the stored data: it is audited."""

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from operations.services import audits


@shared_task(autoretry_for=(OperationalError,), retry_backoff=True, max_retries=2)
def audit_data() -> None:
    audits.run(at=timezone.now())
