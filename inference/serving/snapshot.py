"""What serves at one moment, and how it is made from rows, settings and artifacts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from django.conf import settings
from django.db import Error
from django.db.models import QuerySet

from inference import engine, lifecycle
from inference.artifacts import Loaded, LocalStore, Manifest, Store, loaded
from inference.artifacts.faults import WrongSchema
from inference.models import Family, Generation, ModelVersion, Serving, TenantPin
from inference.refusals import ArtifactUnreadable, NotValidated, PassNotOffered, UnknownModel
from noctis import errors

log = structlog.get_logger(__name__)
NEVER_SERVES = (lifecycle.CANDIDATE, lifecycle.REJECTED)


@dataclass(frozen=True, eq=False)
class Served:
    """A version that passed its self-test in this process."""

    model_id: int
    schema_id: int
    loaded: Loaded

    @property
    def model(self) -> engine.Model:
        return self.loaded.model

    @property
    def manifest(self) -> Manifest:
        return self.loaded.manifest

    @property
    def version(self) -> str:
        return self.loaded.manifest.version

    @property
    def artifact_hash(self) -> str:
        return self.loaded.manifest.artifact_hash


@dataclass(frozen=True)
class Failure:
    """Why what should serve a family does not; `model_id` is None where there is no such row."""

    version: str
    code: str
    detail: str
    model_id: int | None = None


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A request takes one and keeps it: whatever is swapped meanwhile, its answer is of one."""

    generation: int = -1
    live: Served | None = None
    night: Served | None = None
    # By family; what served before is still in its place.
    failures: Mapping[str, Failure] = field(default_factory=dict)
    # The families for which somebody chose a version.
    chosen: frozenset[str] = frozenset()
    # What serves each tenant that has pins: its own where it pins one, else as everybody's.
    by_tenant: Mapping[int, "Snapshot"] = field(default_factory=dict)
    # By version: what only those that pin it are without.
    pin_failures: Mapping[str, Failure] = field(default_factory=dict)

    def seen_by(self, tenant_id: int) -> "Snapshot":
        """What serves one tenant."""
        return self.by_tenant.get(tenant_id, self)

    def of(self, family: str) -> Served | None:
        return self.live if family == Family.LIVE else self.night

    @property
    def codes(self) -> list[str]:
        """What went wrong, each once."""
        failures = (*self.failures.values(), *self.pin_failures.values())
        return sorted({failure.code for failure in failures})

    @property
    def is_ready(self) -> bool:
        """Does something serve wherever something should?"""
        return bool(self.chosen) and all(self.of(family) for family in self.chosen)


def store() -> Store:
    return LocalStore(settings.MODELS_DIR)


def pinned() -> dict[str, str]:
    """The versions that the environment names, by family; no registry changes what serves there."""
    return {family: row.version for family, row in _pinned_rows().items()}


def generation() -> int:
    """The number that every change of what serves raises; 0 before the first."""
    return Generation.objects.values_list("number", flat=True).first() or 0


def made(before: Snapshot) -> Snapshot:
    """Load what should serve now; a family whose version fails keeps the one it had."""
    # Read before the rows: a change in between is found again by its higher number.
    number = generation()
    wanted, pins = wanted_versions(), list(pins_in_effect())
    tried = _tried_once([*wanted.values(), *(pin.version for pin in pins)])
    served: dict[str, Served | None] = {}
    failures: dict[str, Failure] = {}
    for family, row in wanted.items():
        found = tried[row.version] if row.pk is None or family in row.families else _misfit(row)
        if isinstance(found, Failure):
            failures[family] = found
        served[family] = before.of(family) if isinstance(found, Failure) else found
    after = Snapshot(number, served.get("live"), served.get("night"), failures, frozenset(wanted))
    return _with_pins(after, before, pins, tried) if pins else after


def _tried_once(rows: Iterable[ModelVersion]) -> dict[str, Served | Failure]:
    return {version: _tried(row) for version, row in {row.version: row for row in rows}.items()}


def _with_pins(
    after: Snapshot,
    before: Snapshot,
    pins: list[TenantPin],
    tried: Mapping[str, Served | Failure],
) -> Snapshot:
    """A pin that fails serves its tenant no other version: the same one from before, or nothing."""
    found: dict[int, Snapshot] = {}
    failures: dict[str, Failure] = {}
    for pin in pins:
        own = tried[pin.version.version]
        if isinstance(own, Failure):
            failures[own.version] = own
            served = _held(before, pin)
        else:
            served = own
        seen = found.get(pin.tenant_id, after)
        is_live = pin.family == Family.LIVE
        found[pin.tenant_id] = (
            replace(seen, live=served) if is_live else replace(seen, night=served)
        )
    return replace(after, by_tenant=found, pin_failures=failures)


def _held(before: Snapshot, pin: TenantPin) -> Served | None:
    served = before.seen_by(pin.tenant_id).of(pin.family)
    return served if served is not None and served.model_id == pin.version_id else None


def pins_in_effect() -> QuerySet[TenantPin]:
    """What tenants pin, but for the families that the environment pins for all."""
    rows: QuerySet[TenantPin] = TenantPin.objects.select_related("version__schema").order_by("pk")
    return rows.exclude(family__in=[*_pinned_rows()])


def wanted_versions() -> dict[str, ModelVersion]:
    """The rows that should serve, by family: pinned ones first. One that is not there has no pk."""
    rows = Serving.objects.select_related("version__schema")
    return {row.family: row.version for row in rows} | _pinned_rows()


def _pinned_rows() -> dict[str, ModelVersion]:
    pins = _named_by_environment()
    if not pins:
        return {}
    known = ModelVersion.objects.select_related("schema").filter(version__in=pins.values())
    named = {row.version: row for row in known}
    rows = {family: named.get(pin) or ModelVersion(version=pin) for family, pin in pins.items()}
    # What is said of all passes does not speak of one that the version was not made for.
    if not settings.ACTIVE_LIVE_MODEL_VERSION and rows["live"].is_live is False:
        del rows["live"]
    return rows


def _named_by_environment() -> dict[str, str]:
    """The live pass may have a word of its own."""
    night = settings.ACTIVE_MODEL_VERSION
    wanted = {"live": settings.ACTIVE_LIVE_MODEL_VERSION or night, "night": night}
    return {family: version for family, version in wanted.items() if version}


def _tried(row: ModelVersion) -> Served | Failure:
    # Only a pin can ask for one: no edge of the registry leads from there to serving.
    if row.pk is not None and row.status in NEVER_SERVES:
        return Failure(row.version, NotValidated.row.code, f"It is {row.status}.", row.pk)
    try:
        return serve(row)
    except errors.Refusal as refusal:
        return Failure(row.version, refusal.row.code, refusal.detail, row.pk)


def _misfit(row: ModelVersion) -> Failure:
    return Failure(row.version, PassNotOffered.row.code, PassNotOffered.row.meaning, row.pk)


def serve(row: ModelVersion) -> Served:
    """What of a version stays in memory, once it has passed its self-test."""
    return Served(row.pk, row.schema_id, verified(row).without_vectors())


def verified(row: ModelVersion) -> Loaded:
    """Read a version's artifact anew, check every byte and let it test itself."""
    if row.pk is None:
        raise UnknownModel(f"The registry has no {row.version}.")
    found = _loaded(row)
    if found.manifest.schema_version != row.schema.version:
        raise WrongSchema(f"{row.version} speaks {found.manifest.schema_version}.")
    return found


def _loaded(row: ModelVersion) -> Loaded:
    """The border: whatever a disk, a library or a self-test throws has a name beyond it."""
    try:
        return loaded(store().read(row.version), row.artifact_hash)
    except (errors.Refusal, Error):
        raise
    except Exception as error:
        log.warning("artifact_unreadable", version=row.version, exc_info=True)
        raise ArtifactUnreadable(f"{row.version}: {type(error).__name__}.") from error


def as_report(snapshot: Snapshot) -> dict[str, Any]:
    """What a process tells the others; what only tenants pin is no family's failure."""
    pins = {f"pin:{version}": failure.code for version, failure in snapshot.pin_failures.items()}
    return {
        "generation": snapshot.generation,
        "live": snapshot.live.version if snapshot.live else None,
        "night": snapshot.night.version if snapshot.night else None,
        "failures": {family: failure.code for family, failure in snapshot.failures.items()} | pins,
    }
