"""How a version comes into the registry and its files into the store, and how those are put right.

An artifact is read and tested before the transaction, and there in the store before its end."""

from django.db import transaction

from inference.artifacts import Manifest, folder, loaded
from inference.artifacts.faults import ArtifactTaken, WrongSchema
from inference.artifacts.folder import Files
from inference.models import ModelEvent, ModelVersion
from inference.services import registry
from inference.services.model_events import Change, Decision, tell_change
from inference.serving import snapshot
from recordings.models import FeatureSchema


def import_version(*, files: Files, decision: Decision) -> ModelVersion:
    """Check an artifact whole, register it as a candidate and keep it in the store.

    The same bytes again change nothing but a damaged copy in the store, which they put right; other
    bytes under a version's name are refused."""
    manifest = loaded(files).manifest
    schema = _schema_of(manifest)
    with transaction.atomic():
        # Of two who bring a version at once the second waits here: the store has the first's bytes.
        row, is_new = _registered(manifest, schema, decision)
        mend_version(row=row, files=files)
        if is_new:
            # Last: the audit chain is everybody's to wait for, and a store may be slow.
            tell_change(row=row, change=Change(ModelEvent.Action.IMPORT, ""), decision=decision)
    return row


def mend_version(*, row: ModelVersion, files: Files) -> None:
    """See that the store has a version's registered bytes, given here; one at a time."""
    if folder.digest_of(files) != row.artifact_hash:
        raise ArtifactTaken(f"{row.version} is registered with other bytes.")
    with transaction.atomic():
        registry.locked(row.pk)
        snapshot.store().mend(row.version, files)


def _schema_of(manifest: Manifest) -> FeatureSchema:
    row = FeatureSchema.objects.filter(version=manifest.schema_version).first()
    if row is None:
        raise WrongSchema(f"The platform has no feature schema {manifest.schema_version}.")
    if row.digest != manifest.schema_digest:
        raise WrongSchema(f"The platform's {row.version} has other features.")
    return row


def _registered(
    manifest: Manifest, schema: FeatureSchema, decision: Decision
) -> tuple[ModelVersion, bool]:
    return ModelVersion.objects.get_or_create(
        version=manifest.version,
        defaults={
            "is_live": "live" in manifest.passes,
            "is_night": "night" in manifest.passes,
            "artifact_hash": manifest.artifact_hash,
            "schema": schema,
            "metadata": manifest.facts,
            "created_by": decision.actor.name,
        },
    )
