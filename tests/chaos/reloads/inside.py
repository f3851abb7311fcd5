"""What runs inside the platform, in processes of its own: set-up, and one swap after another."""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from devices.services import register_device
from inference.artifacts import files_of
from inference.services import model_imports, registry, reloading
from inference.services.model_events import Decision
from noctis import errors
from recordings.batches import EpochBatch
from recordings.models import Recording
from recordings.services import epochs, nights, schemas
from recordings.services.epochs import Source
from recordings.services.nights import Night
from tenants.models import AuditEntry, Tenant
from tenants.roles import Role
from tenants.services import clients, minting, tenants
from tenants.services.audit import Actor
from tests.chaos.reloads.questions import HOME, MATRIX, model_of
from tests.inference import drafts

ACTOR = Actor("chaos", AuditEntry.Channel.COMMAND)
WHY = Decision(ACTOR, "chaos", waiver="toys that are swapped")
FAMILIES = ("live", "night")


def prepare(guests: int) -> None:
    """The versions, a night, and somebody who asks; prints the token and the night."""
    call_command("migrate", verbosity=0)
    tenant = tenants.create_tenant(
        slug="noctis", name="Noctis", kind=Tenant.Kind.PLATFORM, actor=ACTOR
    )
    for version in (HOME, *(f"guest-{number}" for number in range(guests))):
        draft = drafts.draft(version, model_of(version))
        model_imports.import_version(files=files_of(draft), decision=WHY)
        registry.validate_version(version=version, decision=WHY)
    registry.serve_version(version=HOME, families=FAMILIES, decision=WHY)
    client, _ = clients.create_client(tenant=tenant, name="asker", role=Role.ADMIN, actor=ACTOR)
    night = _night(tenant)
    _say(
        token=minting.mint_token(client=client, ttl_s=3_600),
        night=str(night.uuid),
        started_at=night.started_at.isoformat(),
    )


def _night(tenant: Tenant) -> Recording:
    device = register_device(tenant=tenant, facts={"name": "box"}, actor=ACTOR)
    start = timezone.now() - timedelta(hours=9)
    night = nights.open_recording(device=device, night=Night(start))
    index = np.arange(len(MATRIX), dtype=np.int32)
    epochs.append_epochs(
        source=Source(tenant, night.uuid),
        schema_id=schemas.active().id,
        batch=EpochBatch(index, MATRIX, None, len(MATRIX), ""),
    )
    return night


def swap(guests: int, seconds: float) -> None:
    """A guest serves, and is rolled back; before every tenth its bytes are broken for a while.

    Each swap is due by the clock, however long the one before it took."""
    started, due_s = time.monotonic(), 0.0

    def wait() -> None:
        nonlocal due_s
        due_s += seconds / (2 * guests)
        time.sleep(max(0.0, started + due_s - time.monotonic()))

    for number in range(guests):
        guest = f"guest-{number}"
        refused = _refused_when_broken(guest) if number % 10 == 0 else None
        registry.serve_version(version=guest, families=FAMILIES, decision=WHY)
        _tell(guest, refused)
        wait()
        refused = _reload_refused_when_broken(guest) if number % 10 == 5 else None
        registry.roll_back(families=FAMILIES, decision=WHY)
        _tell(HOME, refused)
        wait()


def _tell(version: str, refused: bool | None) -> None:
    reloaded = reloading.reload_models(decision=WHY)
    _say(
        serves=version,
        behind=len(reloaded.behind),
        processes=len(reloaded.processes),
        refused=refused,
    )


def _refused_when_broken(version: str) -> bool:
    with Broken(version):
        try:
            registry.serve_version(version=version, families=FAMILIES, decision=WHY)
        except errors.Refusal:
            return True
    return False


def _reload_refused_when_broken(version: str) -> bool:
    """What serves goes on from memory, though its bytes on disk are bad."""
    with Broken(version):
        try:
            reloading.reload_models(decision=WHY)
        except errors.Refusal:
            return True
    return False


class Broken:
    """One bit of a version's weights, the other way round for as long as this lasts."""

    def __init__(self, version: str) -> None:
        self._file = Path(settings.MODELS_DIR) / version / "weights.npy"
        self._good = self._file.read_bytes()

    def __enter__(self) -> None:
        self._file.chmod(0o600)
        self._file.write_bytes(self._good[:-1] + bytes([self._good[-1] ^ 1]))

    def __exit__(self, *_: object) -> None:
        self._file.write_bytes(self._good)


def _say(**told: Any) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
