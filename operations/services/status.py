"""How storage stands: each policy with who does it and how that went; each series with its size;
and what a plan's retention would let go if it were applied now. Only reads."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, QuerySet, Sum

from inference.models import Prediction
from noctis.db.editions import Edition
from operations import storage
from operations.models import StoragePolicy
from operations.policies import BY_NAME, DOERS, EPOCHS, POLICIES, SERIES, Doer, Kind, Policy, Series
from operations.services import jobs, policies, retention
from operations.services.jobs import JobStatistics
from operations.services.policies import Plan
from operations.services.retention import Past
from operations.services.runs import EVERY
from operations.storage import Held
from recordings.models import Recording
from tenants.models import Tenant


@dataclass(frozen=True)
class Standing:
    """A policy as it is; `value` is None where it was not applied or the edition has none."""

    policy: Policy
    doer: Doer
    value: int | None
    wanted: int
    row: StoragePolicy
    job: JobStatistics | None = None

    @property
    def next_run_at(self) -> datetime | None:
        """As the server says of its own job; else of beat, None before the first apply."""
        if self.job is not None:
            return self.job.next_at
        every = EVERY.get(self.policy.kind)
        if every is None or self.value is None or self.row.started_at is None:
            return None
        return self.row.started_at + every


@dataclass(frozen=True)
class Status:
    edition: Edition
    standings: list[Standing]
    series: dict[str, Held]


@dataclass
class Going:
    """What retention would let go now: rows by the nights' counters, bytes in proportion."""

    series: str
    days: int
    nights: int = 0
    rows: int = 0
    size: int = 0
    oldest: datetime | None = None


def status() -> Status:
    """Read the actual state of every policy and series."""
    edition = storage.edition()
    rows = {row.name: row for row in StoragePolicy.objects.all()}
    actual, wanted = policies.actual(edition=edition), policies.wanted()
    standings = [
        Standing(
            policy=policy,
            doer=DOERS[edition][policy.kind],
            value=actual.get(policy.name),
            wanted=wanted[policy.name],
            row=rows.get(policy.name) or StoragePolicy(name=policy.name),
            job=_job_of(policy, edition),
        )
        for policy in POLICIES
    ]
    held = {name: storage.held(series, edition) for name, series in SERIES.items()}
    return Status(edition, standings, held)


def _job_of(policy: Policy, edition: Edition) -> JobStatistics | None:
    if edition != Edition.TIMESCALE or policy.kind != Kind.COMPRESSION:
        return None
    return jobs.compression_statistics(series=SERIES[policy.subject])


def going(*, plan: Plan, at: datetime) -> list[Going]:
    """Say what each change of a plan's retention would let go if it were applied now."""
    return [
        _going(SERIES[BY_NAME[change.name].subject], change.after, at)
        for change in plan.changes
        if BY_NAME[change.name].kind == Kind.RETENTION and change.after is not None
    ]


def _going(series: Series, days: int, at: datetime) -> Going:
    found = Going(series.name, days)
    for tenant in Tenant.objects.order_by("pk"):
        _add(found, retention.past_of(series=series, tenant=tenant, days=days, at=at))
    held = storage.held(series, storage.edition())
    found.size = round(found.rows * held.size / held.rows) if held.rows else 0
    return found


def _add(found: Going, past: Past) -> None:
    nights: QuerySet[Recording] = Recording.objects.owned_by(past.tenant)
    nights = nights.filter(started_at__lt=past.cutoff, is_kept=False)
    if past.series == EPOCHS:
        nights = nights.filter(epoch_count__gt=0)
        rows = nights.aggregate(rows=Sum("epoch_count"))["rows"] or 0
    else:
        logged = Prediction.objects.filter(
            tenant_id=past.tenant.pk,
            recording_id__in=nights.values("pk"),
            window_end_ts__lt=past.cutoff,
        )
        rows = logged.count()
        nights = nights.filter(pk__in=logged.values("recording_id"))
    counted = nights.aggregate(nights=Count("pk"), oldest=Min("started_at"))
    found.rows += rows
    found.nights += counted["nights"]
    found.oldest = min(filter(None, (found.oldest, counted["oldest"])), default=None)
