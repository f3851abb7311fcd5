"""Schedules are written in code; what may be chosen is whether each of them runs."""

from django.db import transaction
from django_celery_beat.models import PeriodicTask

from noctis import errors
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Actor


def switch_schedule(
    *, schedule: PeriodicTask, is_enabled: bool, actor: Actor, reason: str = ""
) -> PeriodicTask:
    """Switch a schedule on or off; beat follows within seconds, and it outlives restarts."""
    with transaction.atomic():
        schedule = PeriodicTask.objects.select_for_update().get(pk=schedule.pk)
        if schedule.enabled == is_enabled:
            return schedule
        schedule.enabled = is_enabled
        schedule.save(update_fields=["enabled", "last_run_at", "date_changed"])
        audit.record(
            actor=actor,
            tenant=_platform(),
            action="schedule.enable" if is_enabled else "schedule.disable",
            subject=schedule,
            change=({"is_enabled": not is_enabled}, {"is_enabled": is_enabled}),
            reason=reason,
        )
    return schedule


def _platform() -> Tenant:
    tenant = Tenant.objects.filter(kind=Tenant.Kind.PLATFORM).first()
    if tenant is None:
        raise errors.Conflict("There is no platform tenant to keep the audit entry.")
    return tenant
