"""What runs by itself for backups: one is taken each day, and the newest is tried."""

from celery import shared_task
from django.db import OperationalError

from operations.services import room
from operations.services.backup import freshness, rotation
from tenants.models import AuditEntry
from tenants.services.audit import Actor

RETRIED = {"autoretry_for": (OperationalError,), "retry_backoff": True, "max_retries": 5}
KEEPER = Actor("schedule", AuditEntry.Channel.TASK)


@shared_task(**RETRIED)
def take_backup() -> None:
    rotation.take_scheduled(actor=KEEPER)


@shared_task(**RETRIED)
def prove_backup() -> None:
    """A backup that was never restored is a hope."""
    rotation.prove_newest(actor=KEEPER)


@shared_task(**RETRIED)
def tell_age() -> None:
    """And how much room is left for more of them."""
    freshness.tell()
    room.tell()
