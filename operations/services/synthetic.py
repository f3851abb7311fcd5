"""Tenants that exist for a measurement alone: made, filled, and removed with all that is theirs."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import numpy as np
import structlog
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from devices.services import register_device
from noctis.db.maintenance import maintenance
from operations.models import StressRun
from recordings import batches
from recordings.batches import EpochBatch
from recordings.models import Recording
from recordings.schemas import Feature
from recordings.services import nights
from recordings.services.nights import Night
from tenants.models import AuditEntry, Tenant
from tenants.services import audit, tenants
from tenants.services.audit import Actor

log = structlog.get_logger(__name__)
PREFIX = "synthetic-"
# In the tenant's own log: a slug alone may be anybody's.
MARK = "tenant.synthetic"
# Longer than any measurement may take, and than any token in it is good.
LEFT_AFTER = timedelta(minutes=35)


@dataclass(frozen=True)
class NotSynthetic(Exception):
    """A bug: what is removed without asking must be nobody's."""

    slug: str


def open_tenant(*, name: str, actor: Actor) -> Tenant:
    """Make a tenant that nobody can mistake for somebody's, and whose nights nobody stages live."""
    with transaction.atomic():
        made = tenants.create_tenant(slug=f"{PREFIX}{uuid4().hex[:16]}", name=name, actor=actor)
        audit.record(actor=actor, tenant=made, action=MARK, subject=made, reason=name)
        return tenants.set_live_staging(
            tenant=made, is_on=False, actor=actor, reason="a measurement"
        )


def open_nights(
    *, tenant: Tenant, count: int, started_at: datetime, actor: Actor
) -> list[Recording]:
    """Open one night on each of so many devices."""
    found = []
    for number in range(count):
        named = {"name": f"synthetic {number}", "external_id": f"s-{number}"}
        device = register_device(tenant=tenant, facts=named, actor=actor)
        start = started_at + timedelta(seconds=number)
        found.append(nights.open_recording(device=device, night=Night(start)))
    return found


def batches_of(*, schema: list[Feature], epochs: int, size: int, seed: int) -> Iterator[EpochBatch]:
    """Make a night's batches: values drawn within the schema's limits, the same for a seed."""
    rng = np.random.default_rng(seed)
    for first in range(0, epochs, size):
        packed = packed_epochs(schema=schema, count=min(size, epochs - first), rng=rng)
        yield batches.from_column(packed, first, schema)


def packed_epochs(*, schema: list[Feature], count: int, rng: np.random.Generator) -> str:
    """Draw so many epochs, packed as a batch's column is."""
    low, high = batches.limits(schema)
    matrix = (low + (high - low) * rng.random((count, len(schema)))).astype("<f4")
    return base64.b64encode(np.clip(matrix, low, high).astype("<f4").tobytes()).decode()


def remove_tenant(*, tenant: Tenant) -> int:
    """Delete a synthetic tenant and every row of it, its audit chain included: it is evidence of
    nothing. Whatever a measurement decided is in the platform's own chain. Safe to repeat."""
    if not tenant.slug.startswith(PREFIX):
        raise NotSynthetic(tenant.slug)
    removed = 0
    with maintenance():
        left = _owned_tables()
        # A table that others still refer to comes later.
        for _ in range(len(left)):
            done = {table: _emptied(table, tenant.pk) for table in left}
            removed += sum(count or 0 for count in done.values())
            left = [table for table, count in done.items() if count is None]
        Tenant.objects.filter(pk=tenant.pk).delete()
    return removed


def remove_left(*, at: datetime) -> int:
    """Remove the tenants of measurements that were killed: older than any can be, marked in their
    own log, which nobody can do afterwards, and no run's that is under way. Answers how many."""
    used = StressRun.objects.filter(is_active=True).values("tenant_slug")
    marked = AuditEntry.objects.filter(action=MARK).values("tenant")
    old = Tenant.objects.filter(slug__startswith=PREFIX, created_at__lt=at - LEFT_AFTER)
    left = list(old.filter(pk__in=marked).exclude(slug__in=used))
    for tenant in left:
        removed = remove_tenant(tenant=tenant)
        log.warning("synthetic_tenant_was_left", tenant=tenant.slug, rows=removed)
    return len(left)


def _owned_tables() -> list[str]:
    return [
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.managed
        and any(f.attname == "tenant_id" for f in model._meta.concrete_fields)
    ]


def _emptied(table: str, tenant_id: int) -> int | None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {connection.ops.quote_name(table)} WHERE tenant_id = %s",  # noqa: S608 - a table of ours
                [tenant_id],
            )
            return int(cursor.rowcount)
    except IntegrityError:
        return None
