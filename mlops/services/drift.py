"""Drift: each staged night leaves a sketch, and a run compares the newest with those before."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.utils import timezone

from inference.models import ModelVersion
from inference.services.staging import StagedNight
from mlops import drift, drift_rows, refusals
from mlops.drift import Comparison, Reference, Thresholds
from mlops.drift.comparison import ALARM_OF, Severity
from mlops.drift.reference import UnfitReference
from mlops.models import DriftRun, NightSketch
from noctis import metrics
from recordings.models import Recording
from tenants.models import Tenant

SEVERITY_LEVELS = {Severity.INSUFFICIENT: -1, Severity.LOW: 0, Severity.MEDIUM: 1, Severity.HIGH: 2}


@dataclass(frozen=True)
class Period:
    """Two runs of days that meet: the nights before `current_from`, and those from it on."""

    baseline_from: date
    current_from: date
    until: date

    @classmethod
    def ending(cls, until: date) -> "Period":
        current_from = until - timedelta(days=settings.DRIFT_CURRENT_DAYS)
        baseline_from = current_from - timedelta(days=settings.DRIFT_BASELINE_DAYS)
        return cls(baseline_from, current_from, until)


def sketch_night(*, night: StagedNight) -> None:
    """Keep what a staged night looked like, in the transaction that stages it."""
    try:
        reference = reference_of(metadata=night.metadata, features=night.names)
    except refusals.NoDriftReference:
        return
    places = np.full(len(night.staged.stages), -1, np.int64)
    for place, code in enumerate(night.codes):
        places[night.staged.stages == code] = place
    sketch = drift.sketch_of(reference, night.features, places, night.staged.confidence)
    drift_rows.keep(night.recording, night.model_id, sketch)


def forget_night(*, recording: Recording) -> None:
    """Remove a night's sketches, in its erasure's own transaction."""
    NightSketch.objects.owned_by(recording.tenant_id).filter(recording=recording).delete()


def reference_of(*, metadata: dict[str, Any], features: Sequence[str]) -> Reference:
    """Read what a version's manifest says of its training, or say that it does not."""
    try:
        return Reference.read(metadata["drift_reference"], features, metadata["labels"])
    except (KeyError, UnfitReference):
        raise refusals.NoDriftReference from None


def compare(*, tenant: Tenant, model: ModelVersion, period: Period) -> Comparison:
    """Compare a tenant's nights before and after a day, as a version staged them."""
    names = [feature["name"] for feature in model.schema.features]
    reference = reference_of(metadata=model.metadata, features=names)
    limits = Thresholds(
        settings.DRIFT_PSI_THRESHOLD, settings.DRIFT_KL_THRESHOLD, settings.DRIFT_Z_THRESHOLD
    )
    current = (period.current_from, period.until)
    before = (period.baseline_from, period.current_from)
    return drift.compare(
        reference,
        drift_rows.between(tenant, model, reference, current),
        drift_rows.between(tenant, model, reference, before),
        limits,
        seed=model.pk,
    )


def newest(*, tenant: Tenant, model: ModelVersion, period: Period | None = None) -> DriftRun | None:
    """Find the last run of a version, or the last one over a period."""
    runs = DriftRun.objects.owned_by(tenant).of(model)
    if period is not None:
        runs = runs.filter(**asdict(period))
    found: DriftRun | None = runs.first()
    return found


def look(*, tenant: Tenant, model: ModelVersion, period: Period | None = None) -> DriftRun:
    """Compare now, and say it as a run would. Writes nothing."""
    period = period or Period.ending(timezone.now().date())
    started = time.perf_counter()
    found = compare(tenant=tenant, model=model, period=period)
    before = DriftRun.objects.owned_by(tenant).of(model).filter(until__lt=period.until)
    # A day that was looked at twice counts once.
    by_day = before.order_by("-until", "-id").distinct("until")
    last = by_day.values_list("severity", flat=True)[: ALARM_OF - 1]
    return DriftRun(
        tenant=tenant,
        model=model,
        **asdict(period),
        current_nights=found.nights[0],
        baseline_nights=found.nights[1],
        severity=found.severity.value,
        is_alarm=drift.is_alarm([found.severity, *map(Severity, last)]),
        report=asdict(found) | {"flagged": [feature.name for feature in found.flagged]},
        seconds=time.perf_counter() - started,
    )


def run(*, tenant: Tenant, model: ModelVersion, until: date | None = None) -> DriftRun:
    """Compare, and keep what was found; two of three runs on different days make an alarm."""
    row = look(tenant=tenant, model=model, period=Period.ending(until or timezone.now().date()))
    row.save(force_insert=True)
    return row


def due() -> list[tuple[int, int]]:
    """Find the tenants and versions that staged nights of the period: their numbers, in pairs."""
    period = Period.ending(timezone.now().date())
    sketched = NightSketch.objects.filter(night_on__gte=period.baseline_from)
    return list(
        sketched.order_by("tenant_id", "model_id").values_list("tenant_id", "model_id").distinct()
    )


def run_due(*, tenant_id: int, model_id: int) -> DriftRun:
    """Run for one of those that are due, and tell of its version."""
    tenant = Tenant.objects.get(pk=tenant_id)
    model = ModelVersion.objects.select_related("schema").get(pk=model_id)
    row = run(tenant=tenant, model=model)
    _tell(model)
    return row


def _tell(model: ModelVersion) -> None:
    """The worst of the tenants' newest runs: a tenant is no label."""
    newest_runs = DriftRun.objects.of(model).order_by("tenant_id", "-id").distinct("tenant_id")
    level, score = max(_told(row) for row in newest_runs)
    metrics.DRIFT_SEVERITY.labels(model_version=model.version).set(level)
    metrics.DRIFT_SCORE.labels(model_version=model.version).set(score)


def _told(row: DriftRun) -> tuple[int, float]:
    score = max((feature["psi"] or 0.0 for feature in row.report["features"]), default=0.0)
    return SEVERITY_LEVELS[Severity(row.severity)], score
