"""What needs Django, in processes of its own: the nights before, and the facts afterwards."""

import json
import sys
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
from django.core.management import call_command
from django.utils import timezone

from devices.services import register_device
from inference import queries, serving
from inference.models import Hypnogram, LiveCursor, Pass, Prediction, StagingAttempt
from inference.services import predictions, shipped
from inference.services.model_events import Decision
from inference.services.predictions import Work
from recordings.models import FeatureSchema, Recording
from recordings.services import nights
from recordings.services.nights import Night
from tenants.models import AuditEntry, Tenant
from tenants.services import tenants
from tenants.services.audit import Actor
from tests.chaos.staging.facts import Drawn, Facts, Given, compare

ACTOR = Actor("chaos", AuditEntry.Channel.COMMAND)


def seed(over: int, going_on: int) -> None:
    """Make nights that are over and nights that go on, all without epochs, and print them."""
    call_command("migrate", verbosity=0)
    tenant = tenants.create_tenant(
        slug="noctis", name="Noctis", kind=Tenant.Kind.PLATFORM, actor=ACTOR
    )
    shipped.ensure_models(decision=Decision(ACTOR, "chaos"))
    told = []
    for number in range(over + going_on):
        device = register_device(tenant=tenant, facts={"name": f"box {number}"}, actor=ACTOR)
        start = timezone.now().replace(microsecond=0) - timedelta(days=1, seconds=number)
        night = nights.open_recording(device=device, night=Night(start))
        if number < over:
            nights.close_recording(recording=night, ended_at=None)
        told.append((str(night.uuid), start.timestamp(), number < over))
    schema = FeatureSchema.objects.get(is_active=True)
    sys.stdout.write(json.dumps({"tenant": tenant.pk, "schema": schema.pk, "nights": told}))


def judge() -> None:
    """Compare every night with what an undisturbed process makes of it, and print the counts."""
    result = compare(map(facts_of, Recording.objects.order_by("pk").select_related("tenant")))
    counts = {
        "stages": Prediction.objects.count(),
        "hypnograms": Hypnogram.objects.count(),
        "comparison": vars(result),
    }
    sys.stdout.write(json.dumps(counts))


def facts_of(recording: Recording) -> Facts:
    is_over = recording.status != Recording.Status.OPEN
    hypnograms = Hypnogram.objects.filter(recording=recording).order_by("pk")
    facts = Facts(
        is_settled=_is_settled(recording),
        night_found=list(_logged(recording, Pass.NIGHT)),
        live_found=list(_logged(recording, Pass.LIVE)),
        hypnograms=[
            Drawn(row.revision, bytes(row.input_hash).hex(), tuple(row.stages))
            for row in hypnograms
        ],
    )
    expected = _computed(recording, Pass.NIGHT if is_over else Pass.LIVE)
    if is_over:
        facts.night_expected, facts.stages_expected = expected
    else:
        facts.live_expected, _ = expected
    return facts


def _is_settled(recording: Recording) -> bool:
    if StagingAttempt.objects.filter(recording=recording).exists():
        return False
    if recording.status != Recording.Status.OPEN:
        return bool(recording.status == Recording.Status.STAGED)
    cursor = LiveCursor.objects.filter(recording=recording).first()
    return bool(cursor and cursor.staged_through == recording.last_epoch_received_at)


def _logged(recording: Recording, staging_pass: Pass) -> Iterator[Given]:
    rows = Prediction.objects.filter(
        tenant_id=recording.tenant_id, recording_id=recording.pk, staging_pass=staging_pass
    )
    for index, stage, digest in rows.values_list("epoch_index", "stage", "input_hash"):
        yield Given(index, stage, bytes(digest).hex())


def _computed(recording: Recording, staging_pass: Pass) -> tuple[list[Given], tuple[int, ...]]:
    served = serving.current().of(staging_pass.name.lower())
    stored = queries.night_of(recording.tenant, recording.uuid)
    assert served
    assert stored
    night = stored.laid_out()
    staging = predictions.stage(Work(recording.tenant_id, served, night, staging_pass, len(night)))
    given = staging.given()
    hashes = np.frombuffer(given.hashes, np.uint8).reshape(-1, 16)
    hashes = np.broadcast_to(hashes, (len(given), 16))
    rows = [
        Given(index, stage, digest.tobytes().hex())
        for index, stage, digest in zip(
            given.index.tolist(), given.stages.tolist(), hashes, strict=True
        )
    ]
    return rows, tuple(staging.staged.stages.tolist())
