"""How far back a tenant keeps its nights: the platform's limit, or the tenant's shorter one."""

from datetime import datetime, timedelta

from django.conf import settings

from tenants.models import Tenant


def retention_days(tenant: Tenant) -> int:
    """A tenant may keep less than the platform does, never more."""
    platform: int = settings.EPOCHS_RETENTION_DAYS
    return min(platform, tenant.retention_days or platform)


def oldest_kept(*, tenant: Tenant, at: datetime) -> datetime:
    """Say before which instant the retention job takes everything."""
    return at - timedelta(days=retention_days(tenant))
