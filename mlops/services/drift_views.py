"""A drift run as a page shows it: the nights behind it, the runs before, what changed. Reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from django.db.models import Q

from devices.models import Device
from inference.models import ModelEvent
from mlops import drift_rows, refusals
from mlops.drift import Nights, Reference
from mlops.models import DriftRun
from mlops.services import drift
from tenants.models import AuditEntry

MOST_RUNS = 30
MOST_HAPPENINGS = 20
SERVES = (ModelEvent.Action.SERVE, ModelEvent.Action.ROLLBACK)


@dataclass(frozen=True)
class Happening:
    at: datetime
    says: str


@dataclass(frozen=True)
class View:
    """`reference` is None where the version says nothing of its training."""

    runs: Sequence[DriftRun]  # newest first, this one among them
    reference: Reference | None
    current: Nights
    baseline: Nights
    happened: Sequence[Happening]


def look_at(*, run: DriftRun) -> View:
    """Read what stands behind a run, as it is kept now: erased nights are no longer in it."""
    older = DriftRun.objects.owned_by(run.tenant_id).of(run.model).filter(pk__lte=run.pk)
    happened = sorted(_happened(run), key=lambda one: one.at, reverse=True)[:MOST_HAPPENINGS]
    reference = _reference(run)
    if reference is None:
        nothing = Nights.of([], [])
        return View(list(older[:MOST_RUNS]), None, nothing, nothing, happened)
    sides = [
        drift_rows.between(run.tenant, run.model, reference, days)
        for days in ((run.current_from, run.until), (run.baseline_from, run.current_from))
    ]
    return View(list(older[:MOST_RUNS]), reference, sides[0], sides[1], happened)


def _reference(run: DriftRun) -> Reference | None:
    names = [feature["name"] for feature in run.model.schema.features]
    try:
        return drift.reference_of(metadata=run.model.metadata, features=names)
    except refusals.NoDriftReference:
        return None


def _happened(run: DriftRun) -> Iterator[Happening]:
    """Versions that began to serve, devices that came, and what was changed of others."""
    span = [datetime.combine(day, time.min, UTC) for day in (run.baseline_from, run.until)]
    served = ModelEvent.objects.filter(action__in=SERVES, at__range=span)
    for event in served.select_related("version").order_by("-id")[:MOST_HAPPENINGS]:
        yield Happening(event.at, f"{event.version} serves {event.family} ({event.action})")
    came = Device.objects.owned_by(run.tenant_id).filter(created_at__range=span)
    for device in came.order_by("-created_at")[:MOST_HAPPENINGS]:
        yield Happening(device.created_at, f"{device} was registered")
    changed = AuditEntry.objects.filter(
        Q(after__has_key="firmware_version") | Q(after__has_key="model"),
        tenant=run.tenant_id,
        action="device.change",
        at__range=span,
    )
    for entry in changed.order_by("-id")[:MOST_HAPPENINGS]:
        told = ", ".join(
            f"{name} {(entry.before or {}).get(name) or '-'} to {value}"
            for name, value in sorted((entry.after or {}).items())
            if name in ("firmware_version", "model")
        )
        yield Happening(entry.at, f"a device was changed: {told}")
