"""Epochs come in: whole batches or nothing, as often as a device likes to repeat them."""

import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from noctis import errors, metrics
from recordings import grid, refusals, rows
from recordings.batches import EpochBatch
from recordings.services.retention import oldest_kept
from tenants.models import Tenant


@dataclass(frozen=True)
class Source:
    """Whose night it is, and the one device that may send it, where the key is bound to one."""

    tenant: Tenant
    recording_uuid: UUID
    device_uuid: UUID | None = None


@dataclass(frozen=True)
class Appended:
    """What became of a batch."""

    received: int
    inserted: int

    @property
    def duplicates(self) -> int:
        return self.received - self.inserted


def append_epochs(*, source: Source, schema_id: int, batch: EpochBatch) -> Appended:
    """Add a batch to a recording, open or closed. Safe to repeat: says how many epochs were new."""
    tenant = source.tenant
    with transaction.atomic():
        night = rows.lock(tenant.pk, source.recording_uuid)
        if night is None or source.device_uuid not in (None, night.device_uuid):
            raise errors.Missing
        check_grid(batch, night.started_at)
        check_retention(tenant, batch, night.started_at)
        inserted = rows.insert(tenant.pk, night, schema_id, batch)
        if inserted < len(batch):
            refuse_contradictions(tenant, night, schema_id, batch)
        committing = time.perf_counter()
    metrics.INGESTED_EPOCHS.inc(inserted)
    metrics.COMMIT_LATENCY.observe(time.perf_counter() - committing)
    return Appended(batch.received, inserted)


def check_grid(batch: EpochBatch, started_at: datetime) -> None:
    off = batch.off_grid(started_at.timestamp())
    if len(off):
        detail = f"more than {grid.TOLERANCE_S} s from started_at + index * {grid.EPOCH_S} s"
        raise refusals.EpochOffGrid(problems=named(off.tolist(), "off_grid", detail))


def check_retention(tenant: Tenant, batch: EpochBatch, started_at: datetime) -> None:
    """An epoch that the retention job would take at once is not taken in."""
    oldest = oldest_kept(tenant, timezone.now())
    if grid.epoch_start(started_at, int(batch.index[0])) >= oldest:
        return
    first_kept = grid.index_at(started_at, oldest)
    past = batch.index[batch.index < first_kept].tolist()
    raise refusals.PastRetention(problems=named(past, "past_retention", "older than is kept"))


def refuse_contradictions(
    tenant: Tenant, night: rows.Locked, schema_id: int, batch: EpochBatch
) -> None:
    found = rows.contradicted(tenant.pk, night, schema_id, batch)
    if found:
        detail = "stored with other values"
        raise refusals.EpochConflict(problems=named(found, "epoch_conflict", detail))


def named(indices: list[int], code: str, detail: str) -> list[errors.Problem]:
    """Problems that name epochs by their index, which is what a device knows."""
    return [errors.Problem("/epochs", code, detail, epoch_index=i) for i in indices]
