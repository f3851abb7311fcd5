"""What runs by itself: keys past their end, spent refresh tokens, the proof of the chains."""

import structlog
from celery import shared_task
from django.db import OperationalError
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from noctis import metrics
from tenants.models import AuditEntry, Tenant
from tenants.services import audit, clients
from tenants.services.audit import Actor

log = structlog.get_logger(__name__)
RETRIED = {"autoretry_for": (OperationalError,), "retry_backoff": True, "max_retries": 5}


@shared_task(**RETRIED)
def revoke_expired_keys() -> int:
    actor = Actor("schedule", AuditEntry.Channel.TASK)
    return clients.revoke_expired_keys(at=timezone.now(), actor=actor)


@shared_task(**RETRIED)
def forget_expired_refresh_tokens() -> None:
    OutstandingToken.objects.filter(expires_at__lte=timezone.now()).delete()


@shared_task(**RETRIED)
def verify_audit_chains() -> int:
    """A broken chain is an error line for each finding, which the log's alert rule picks up."""
    findings = [found for tenant in Tenant.objects.all() for found in audit.verify(tenant=tenant)]
    for found in findings:
        where = {"tenant": found.tenant, "sequence": found.sequence}
        log.error("audit_chain_broken", **where, what=found.what)
    for tenant in Tenant.objects.all():
        log.info("audit_head", anchor=str(audit.head(tenant)))
    return len(findings)


@shared_task(**RETRIED)
def count_active_tenants() -> None:
    metrics.ACTIVE_TENANTS.set(Tenant.objects.active().count())
