"""Feature schemas: added once, never changed, one of them active."""

import threading
import time
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from noctis import errors
from recordings import schemas
from recordings.models import FeatureSchema
from recordings.schemas import Feature
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Actor

TRUSTED_S = 5.0


class SchemaTaken(errors.Conflict):
    row = errors.registered(
        "schema_taken",
        409,
        "The schema is there already",
        "A version's name and its content each stand for one schema.",
        "`manage.py schema list` shows what is there.",
    )


@dataclass(frozen=True)
class Spoken:
    """The active schema, ready for the hot path."""

    id: int
    version: str
    features: tuple[Feature, ...]


_lock = threading.Lock()
_spoken: tuple[Spoken, float] | None = None


def active() -> Spoken:
    """The active schema as it was at most five seconds ago; a batch is checked against its rows."""
    global _spoken
    now = time.monotonic()
    with _lock:
        if _spoken and now < _spoken[1]:
            return _spoken[0]
    row = FeatureSchema.objects.get(is_active=True)
    spoken = Spoken(row.id, row.version, schemas.parsed(row.features))
    with _lock:
        _spoken = (spoken, now + TRUSTED_S)
    return spoken


def forget_active() -> None:
    """Read the active schema anew at the next batch."""
    global _spoken
    with _lock:
        _spoken = None


def add_schema(*, version: str, features: tuple[Feature, ...], actor: Actor) -> FeatureSchema:
    """Keep a version; what it means is fixed from now on."""
    row = FeatureSchema(
        version=version,
        digest=schemas.digest_of(features),
        features=schemas.as_rows(features),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            _tell("schema.add", None, row, actor)
    except IntegrityError:
        raise SchemaTaken from None
    return row


def activate_schema(*, version: str, actor: Actor) -> FeatureSchema:
    """Make a version the one that is spoken; it may drop only what the active one deprecates."""
    with transaction.atomic():
        rows = FeatureSchema.objects.select_for_update().order_by("pk")
        by_version = {row.version: row for row in rows}
        wanted = by_version.get(version)
        if wanted is None:
            raise errors.Missing(f"There is no schema {version}.")
        before = next((row for row in by_version.values() if row.is_active), None)
        if wanted is before:
            return wanted
        if before is not None:
            _check_successor(before, wanted)
            FeatureSchema.objects.filter(pk=before.pk).update(is_active=False)
        wanted.is_active = True
        wanted.save(update_fields=["is_active"])
        _tell("schema.activate", before, wanted, actor)
    forget_active()
    return wanted


def _check_successor(before: FeatureSchema, wanted: FeatureSchema) -> None:
    try:
        schemas.check_successor(schemas.parsed(before.features), schemas.parsed(wanted.features))
    except schemas.BadSchema as error:
        raise errors.Conflict(str(error)) from None


def _tell(action: str, before: FeatureSchema | None, after: FeatureSchema, actor: Actor) -> None:
    """Schemas concern everybody, so the platform's chain tells of them."""
    platform = Tenant.objects.platform().first()
    if platform is None:
        raise errors.Conflict("There is no platform tenant yet: manage.py tenant create --platform")
    change = (_facts(before) if before else None, _facts(after))
    audit.record(actor=actor, tenant=platform, action=action, subject=after, change=change)


def _facts(row: FeatureSchema) -> audit.Facts:
    return {"version": row.version, "digest": row.digest}
