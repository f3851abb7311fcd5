"""From bytes to a model that has passed its self-test; anything less is a refusal."""

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import structlog

from inference import engine
from inference.artifacts import assembly, documents, folder
from inference.artifacts.faults import (
    BadArtifact,
    BadManifest,
    FileMissing,
    GoldenFailed,
    GoldenMissing,
    WrongHash,
)
from inference.artifacts.folder import Files
from inference.artifacts.manifest import (
    CARD,
    LABEL_MAP,
    METADATA,
    SCHEMA,
    Manifest,
    labels_of,
    metadata_of,
    schema_of,
)
from inference.engine import golden
from noctis import errors

log = structlog.get_logger(__name__)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model that may serve, with what its folder says of it. Compared by identity."""

    model: engine.Model
    manifest: Manifest

    def without_vectors(self) -> "Loaded":
        """For whoever keeps it: the self-test's vectors take more memory than all else."""
        said = msgspec.structs.replace(self.manifest.metadata, golden=[])
        return replace(self, manifest=replace(self.manifest, metadata=said))


def load(path: Path, expected_hash: str | None = None) -> Loaded:
    """Read a folder whole, check every byte of it, put the model together and test it."""
    found = loaded(folder.read(path), expected_hash)
    if found.manifest.version != path.name:
        raise BadManifest(f"the folder {path.name} says that it is {found.manifest.version}")
    return found


def loaded(files: Files, expected_hash: str | None = None) -> Loaded:
    """The same for bytes by name, wherever they come from."""
    manifest = manifest_of(files)
    if expected_hash is not None and manifest.artifact_hash != expected_hash:
        raise WrongHash("the artifact is not the one that was registered")
    return Loaded(_tested(manifest, files), manifest)


def _tested(manifest: Manifest, files: Files) -> engine.Model:
    """The border: whatever a file makes a library throw has a name beyond it.

    No word of what it said, which may name places of the machine; the log has the whole."""
    try:
        model = assembly.model_of(manifest, files)
        _test(model, manifest)
    except errors.Refusal:
        raise
    except Exception as error:
        log.warning("artifact_failed", version=manifest.version, exc_info=True)
        kind = type(error).__name__
        raise BadArtifact(f"{manifest.version} cannot be put together or run: {kind}.") from error
    return model


def manifest_of(files: Files) -> Manifest:
    """What the folder says of itself, once every file is as it says."""
    if METADATA not in files:
        raise FileMissing(f"missing: {METADATA}")
    metadata = metadata_of(files[METADATA])
    folder.check_named(files, metadata.files)
    assembly.check_complete(metadata)
    version, features = schema_of(files[SCHEMA])
    card = documents.text(CARD, files.get(CARD, b""))
    return Manifest(
        metadata, labels_of(files[LABEL_MAP]), version, features, folder.digest_of(files), card
    )


def _test(model: engine.Model, manifest: Manifest) -> None:
    """Each pass for itself: what proves one says nothing of the other."""
    vectors = [assembly.golden_of(part) for part in manifest.metadata.golden]
    for staging_pass in manifest.passes:
        own = [vector for vector in vectors if vector.pass_ == staging_pass]
        if not own:
            raise GoldenMissing(f"none for the {staging_pass} pass")
        try:
            golden.check(model, own)
        except (engine.GoldenMismatch, engine.ModelFailed, engine.NightUnfit) as error:
            raise GoldenFailed(str(error)) from None
