"""The versions that come with the platform: registered, and one of them serving, by one call."""

from dataclasses import replace

from django.conf import settings

from inference.artifacts import LocalStore, folder
from inference.artifacts.faults import BadArtifact
from inference.models import Family, ModelVersion, Serving
from inference.services import model_imports, registry
from inference.services.model_events import Decision
from inference.serving import snapshot

# The first that offers a family serves it where nothing does.
SHIPPED = ("linear-1", "null-clock", "tcn-1", "tcn-1-live")

# Gates need labelled nights, and a platform that has nothing to stage with gets none.
FIRST = "The first that serves here, of those that ship; its card says how it was judged."


def ensure_models(*, decision: Decision) -> list[ModelVersion]:
    """Register what ships, and let it serve where nothing serves yet. Repeat it at will.

    What somebody chose stays, and so does what somebody rejected."""
    there = LocalStore(settings.SHIPPED_MODELS_DIR)
    rows = [_registered(there, version, decision) for version in SHIPPED]
    for family in Family.values:
        if family not in snapshot.pinned() and not Serving.objects.filter(family=family).exists():
            _serve_first(rows, family, decision)
    return list(ModelVersion.objects.filter(version__in=SHIPPED).select_related("schema"))


def _registered(there: LocalStore, version: str, decision: Decision) -> ModelVersion:
    known = ModelVersion.objects.named(version).first()
    if known is None:
        model_imports.import_version(files=there.read(version), decision=decision)
        return registry.validate_version(version=version, decision=decision)
    _mend(there, known)
    if known.status == ModelVersion.Status.CANDIDATE:
        return registry.validate_version(version=version, decision=decision)
    found: ModelVersion = known
    return found


def _mend(there: LocalStore, row: ModelVersion) -> None:
    """Its kept copy may be gone with a volume; what ships with another release is not its."""
    try:
        files = there.read(row.version)
    except BadArtifact:
        return
    if folder.digest_of(files) == row.artifact_hash:
        model_imports.mend_version(row=row, files=files)


def _serve_first(rows: list[ModelVersion], family: str, decision: Decision) -> None:
    able = (ModelVersion.Status.VALIDATED, ModelVersion.Status.PRODUCTION)
    for row in rows:
        row.refresh_from_db()
        if family in row.families and row.status in able:
            waived = replace(decision, waiver=FIRST)
            registry.serve_version(version=row.version, families=(family,), decision=waived)
            return
