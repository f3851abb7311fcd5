"""Tenants: made, suspended, resumed, staged live or not."""

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction

from noctis import errors
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Actor


def create_tenant(
    *, slug: str, name: str, actor: Actor, kind: str = Tenant.Kind.CUSTOMER, timezone: str = "UTC"
) -> Tenant:
    """Open a tenant's account; there is one platform tenant."""
    tenant = Tenant(slug=slug, name=name, kind=kind, timezone=timezone)
    try:
        tenant.full_clean()
    except ValidationError as error:
        raise errors.Invalid(problems=problems_of(error)) from None
    with transaction.atomic():
        tenant.save(force_insert=True)
        audit.record(
            actor=actor,
            tenant=tenant,
            action="tenant.create",
            subject=tenant,
            change=(None, {"slug": slug, "kind": kind}),
        )
    return tenant


def suspend_tenant(*, tenant: Tenant, actor: Actor, reason: str) -> Tenant:
    """Refuse the tenant's calls from now on; nothing of its data is touched."""
    return _set_status(tenant, Tenant.Status.SUSPENDED, "tenant.suspend", actor, reason)


def resume_tenant(*, tenant: Tenant, actor: Actor, reason: str) -> Tenant:
    """Take the tenant's calls again."""
    return _set_status(tenant, Tenant.Status.ACTIVE, "tenant.resume", actor, reason)


def set_live_staging(*, tenant: Tenant, is_on: bool, actor: Actor, reason: str) -> Tenant:
    """Stage the tenant's nights while they are slept, or only when they are over."""
    with transaction.atomic():
        tenant = Tenant.objects.select_for_update().get(pk=tenant.pk)
        if tenant.stages_live == is_on:
            return tenant
        tenant.stages_live = is_on
        tenant.save(update_fields=["stages_live"])
        audit.record(
            actor=actor,
            tenant=tenant,
            action="tenant.stage_live",
            subject=tenant,
            change=({"stages_live": not is_on}, {"stages_live": is_on}),
            reason=reason,
        )
    return tenant


def _set_status(
    tenant: Tenant, status: Tenant.Status, action: str, actor: Actor, reason: str
) -> Tenant:
    with transaction.atomic():
        tenant = Tenant.objects.select_for_update().get(pk=tenant.pk)
        if tenant.is_platform and status == Tenant.Status.SUSPENDED:
            raise errors.Conflict("The platform tenant cannot be suspended.")
        if tenant.status == status:
            return tenant
        before, tenant.status = tenant.status, status
        tenant.save(update_fields=["status"])
        audit.record(
            actor=actor,
            tenant=tenant,
            action=action,
            subject=tenant,
            change=({"status": before}, {"status": status.value}),
            reason=reason,
        )
    return tenant


def problems_of(error: ValidationError) -> list[errors.Problem]:
    """A model's refusals as problems with pointers."""
    return [
        errors.Problem(
            "/" if field == NON_FIELD_ERRORS else f"/{field}",
            fault.code or "invalid",
            " ".join(fault.messages),
        )
        for field, faults in error.error_dict.items()
        for fault in faults
    ]
