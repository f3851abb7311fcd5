"""Nights and models for tests of staging: a model that serves, nights that came by ingest."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from django.utils import timezone

from inference import serving
from inference.artifacts import files_of
from inference.engine import Window
from inference.services import model_imports, registry
from inference.services.model_events import Decision
from recordings import batches
from recordings.models import Recording
from recordings.services import epochs, nights, schemas
from recordings.services.epochs import Source
from tenants.models import Tenant
from tests.factories import ACTOR, PlatformFactory, RecordingFactory, TenantFactory
from tests.inference import drafts
from tests.recordings.full_nights import ship_schemas
from tests.recordings.nights import SCHEMA, features, packed

DECISION = Decision(ACTOR, "for a test", waiver="a toy of a test")
FAMILIES = ("live", "night")


def serve(
    version: str = "test-1",
    *,
    window: Window | None = None,
    families: Sequence[str] = FAMILIES,
    seed: int = 0,
    **manifest: object,
) -> serving.Served:
    """Register a small model and let it serve in this process; stages change with the seed."""
    ship_schemas()
    PlatformFactory()
    model = drafts.linear(seed)
    if window is not None:
        columns = window.length * len(drafts.NAMES)
        weights = np.random.default_rng(seed).normal(size=(columns, 4)).astype(np.float32)
        head = replace(model.head, weights=weights)
        model = replace(model, window=window, head=head, history=0)
    draft = drafts.draft(version, model, passes=tuple(families), **manifest)
    model_imports.import_version(files=files_of(draft), decision=DECISION)
    registry.validate_version(version=version, decision=DECISION)
    registry.serve_version(version=version, decision=DECISION)
    found = serving.refresh()
    served = found.night or found.live
    assert served is not None
    return served


def opened(tenant: Tenant | None = None, started_at: datetime | None = None) -> Recording:
    """An open night that began nine hours ago."""
    start = started_at or timezone.now().replace(microsecond=0) - timedelta(hours=9)
    return RecordingFactory(device__tenant=tenant or TenantFactory(), started_at=start)


def send(night: Recording, count: int, first: int = 0, seed: int = 0) -> None:
    """Through the service of ingest."""
    schemas.forget_active()
    batch = batches.from_column(packed(features(count, seed + first)), first, SCHEMA)
    source = Source(night.tenant, night.uuid)
    epochs.append_epochs(source=source, schema_id=schemas.active().id, batch=batch)
    night.refresh_from_db()


def closed(
    tenant: Tenant | None = None, count: int = 60, started_at: datetime | None = None
) -> Recording:
    night = opened(tenant, started_at)
    if count:
        send(night, count)
    return close(night)


def close(night: Recording, ended_at: datetime | None = None) -> Recording:
    nights.close_recording(recording=night, ended_at=ended_at)
    # A night that has paused for long enough to be staged.
    paused = timezone.now() - timedelta(minutes=1)
    known = Recording.objects.filter(pk=night.pk, last_epoch_received_at__isnull=False)
    known.update(last_epoch_received_at=paused)
    night.refresh_from_db()
    return night
