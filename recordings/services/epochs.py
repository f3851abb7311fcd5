"""Epochs come in: whole batches or nothing, as often as a device likes to repeat them."""

import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

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
    """Add a batch to a recording, open or closed. Safe to repeat: says how many epochs were new.

    Outside a transaction it is one of its own: when it answers, the batch is committed.
    """
    oldest = oldest_kept(tenant=source.tenant, at=timezone.now())
    place = rows.Place(
        source.tenant.pk, source.recording_uuid, source.device_uuid, schema_id, oldest
    )
    started = time.perf_counter()
    answer = rows.append(place, batch)
    metrics.COMMIT_LATENCY.observe(time.perf_counter() - started)
    if answer.verdict != "ok":
        raise _refused(answer, batch, oldest)
    metrics.INGESTED_EPOCHS.inc(answer.added)
    return Appended(batch.received, answer.added)


def _refused(answer: rows.Answer, batch: EpochBatch, oldest: datetime) -> errors.Refusal:
    """Why the database took nothing, with the epochs that are to blame."""
    if answer.started_at is None:  # verdict 'missing'
        return errors.Missing()
    if answer.verdict == "off_grid":
        off = batch.off_grid(answer.started_at.timestamp()).tolist()
        detail = f"more than {grid.TOLERANCE_S} s from started_at + index * {grid.EPOCH_S} s"
        return refusals.EpochOffGrid(problems=_named(off, "off_grid", detail))
    if answer.verdict == "past_retention":
        first_kept = grid.index_at(answer.started_at, oldest)
        past = batch.index[batch.index < first_kept].tolist()
        return refusals.PastRetention(problems=_named(past, "past_retention", "older than is kept"))
    detail = "stored with other values"
    return refusals.EpochConflict(problems=_named(answer.named or [], "epoch_conflict", detail))


def _named(indices: list[int], code: str, detail: str) -> list[errors.Problem]:
    """Problems that name epochs by their index, which is what a device knows."""
    return [errors.Problem("/epochs", code, detail, epoch_index=i) for i in indices]
