"""What opens a retraining by itself: drift that lasts, or agreement that fell. Found from rows."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from django.utils import timezone

from inference.models import ModelVersion, Serving
from mlops.agreement import intervals, report_of
from mlops.drift.comparison import Severity
from mlops.models import DriftRun, Job, Retraining
from mlops.services import evaluation_of_all, retraining
from mlops.services.evaluation_of_all import ROLLING, Counted
from mlops.services.retraining import Cause, Plan, Why
from recordings.stages import SHOWN
from tenants.models import Tenant
from tenants.services.audit import Actor

log = structlog.get_logger(__name__)
# An older run says nothing of today.
FRESH = timedelta(days=2)
BEFORE = timedelta(days=28)
FEWEST_NOW, FEWEST_BEFORE = 5, 10
# A fall of the kappa that is told, if what is left of it is surely below what was.
KAPPA_FELL = 0.1
WAITING = (ModelVersion.Status.CANDIDATE, ModelVersion.Status.VALIDATED)


def open_due(*, actor: Actor) -> list[Retraining]:
    """Open what the rows ask for. What is under way, paused, or waits for a decision is left."""
    opened = []
    for tenant, family, why in [*_drifted(), *_fallen()]:
        if _waits_for_somebody(tenant, family):
            continue
        try:
            opened.append(
                retraining.open_retraining(
                    tenant=tenant, plan=Plan(family=family), why=why, actor=actor
                )
            )
        except (retraining.RetrainingUnderWay, retraining.RetrainingPaused) as refused:
            log.info("retraining_left", tenant=tenant.slug, family=family, why=refused.row.code)
    return opened


def alarm_of(*, tenant: Tenant, family: str) -> DriftRun | None:
    """The newest comparison of what serves a family, if it says that drift lasts."""
    newest = DriftRun.objects.owned_by(tenant).filter(
        model__in=Serving.objects.filter(family=family).values("version")
    )
    run: DriftRun | None = newest.order_by("-until", "-id").first()
    return run if run is not None and is_lasting(run=run) else None


def is_lasting(*, run: DriftRun) -> bool:
    """Two of the last three were of MEDIUM or more, and this one is, and is of these days."""
    is_bad = run.severity in (Severity.MEDIUM, Severity.HIGH)
    return bool(run.is_alarm and is_bad and run.until >= (timezone.now() - FRESH).date())


def _places() -> list[Serving]:
    return list(Serving.objects.select_related("version").order_by("family"))


def _drifted() -> Iterator[tuple[Tenant, str, Why]]:
    for place in _places():
        runs = DriftRun.objects.filter(model=place.version).select_related("tenant")
        for run in runs.order_by("tenant_id", "-until", "-id").distinct("tenant_id"):
            if is_lasting(run=run):
                reason = f"drift of {run.severity} until {run.until}"
                yield run.tenant, place.family, Why(Cause.DRIFT.value, reason, run)


def _fallen() -> Iterator[tuple[Tenant, str, Why]]:
    """By the night pass, which is the one that is scored."""
    for place in _places():
        if place.family != "night":
            continue
        for tenant in Tenant.objects.active():
            reason = regression_of(tenant=tenant, model=place.version, at=timezone.now())
            if reason:
                yield tenant, place.family, Why(Cause.REGRESSION.value, reason)


def regression_of(*, tenant: Tenant, model: ModelVersion, at: datetime) -> str:
    """Say how far agreement of the last seven days is below that of the four weeks before."""
    since = at - ROLLING
    own = [tenant.pk]
    now = evaluation_of_all.evaluate_all(tenant_ids=own, model=model, start=since, end=at).whole
    if now.tally.nights < FEWEST_NOW:
        return ""
    before = evaluation_of_all.evaluate_all(
        tenant_ids=own, model=model, start=since - BEFORE, end=since
    ).whole
    return _told(now, before)


def _told(now: Counted, before: Counted) -> str:
    if before.tally.nights < FEWEST_BEFORE:
        return ""
    was, kappa = (report_of(one.tally, SHOWN).kappa for one in (before, now))
    _, most = intervals(now.tally.resampled, now.tally.nights)["kappa"]
    if was is None or kappa is None or most is None:
        return ""
    has_fallen = was - kappa >= KAPPA_FELL and most < was
    return f"kappa fell from {was:.2f} to {kappa:.2f} within seven days" if has_fallen else ""


def _waits_for_somebody(tenant: Tenant, family: str) -> bool:
    """The last one's candidate has been neither promoted nor put aside: another adds nothing."""
    done = Retraining.objects.owned_by(tenant).filter(family=family, status=Job.Status.DONE)
    last = done.select_related("run__version").order_by("-id").first()
    return last is not None and last.run.version.status in WAITING
