"""The demo's nights: two weeks of beds in a lab, simulated, with what goes wrong in real ones.

Made once and marked as synthetic; workers stage them after the start."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from devices.models import Device
from mlops.services import simulation
from mlops.services.simulation import Plan
from mlops.simulator.mishaps import Mishaps
from recordings.services import nights
from recordings.services.nights import Instrument
from recordings.services.retention import oldest_kept
from tenants.models import AuditEntry, Tenant
from tenants.services import audit
from tenants.services.audit import Actor

NIGHTS = 14
SEED = 1
# The clocks change twice a year where they change.
LONGEST_WITHOUT_CHANGE = 220
FILLED = "demo.fill"


@dataclass(frozen=True)
class Bed:
    external_id: str
    name: str
    mishaps: Mishaps = field(default_factory=Mishaps)
    # The night in which the clocks last changed as well, while it is kept.
    has_clock_change: bool = False


BEDS = (
    Bed("bed-1", "Room 1", has_clock_change=True),
    Bed("bed-2", "Room 2, off at times", Mishaps(away=frozenset({4, 5, 11}))),
    Bed("bed-3", "Room 3, hours lost", Mishaps(lost={2: slice(300, 420), 8: slice(500, 740)})),
    Bed("bed-4", "Room 4, moved from the bed", Mishaps(drifts_from=6)),
)


def seed(tenant: Tenant, actor: Actor) -> None:
    """Make the nights up to the tenant's first evening, once: what is erased stays so.

    A start that was cut short is gone on with, for the same nights are made again."""
    if AuditEntry.objects.filter(tenant=tenant, action=FILLED).exists():
        return
    zone = ZoneInfo(tenant.timezone)
    last = tenant.created_at.astimezone(zone).date() - timedelta(days=1)
    changed = last_clock_change(zone, last - timedelta(days=NIGHTS))
    for bed in BEDS:
        device = nights.known_device(
            tenant=tenant, instrument=Instrument(bed.external_id, bed.name), actor=actor
        )
        if bed.has_clock_change and changed:
            _simulate(device, 1, changed, Mishaps())
        _simulate(device, NIGHTS, last, bed.mishaps)
    with transaction.atomic():
        audit.record(actor=actor, tenant=tenant, action=FILLED, subject=tenant)


def last_clock_change(zone: ZoneInfo, before: date) -> date | None:
    """The last evening before then whose night had an hour twice, or one less."""
    for ago in range(1, LONGEST_WITHOUT_CHANGE):
        evening = before - timedelta(days=ago)
        if _offset(zone, evening) != _offset(zone, evening + timedelta(days=1)):
            return evening
    return None


def _offset(zone: ZoneInfo, day: date) -> timedelta | None:
    return datetime(day.year, day.month, day.day, 21, tzinfo=zone).utcoffset()


def _simulate(device: Device, count: int, last: date, mishaps: Mishaps) -> None:
    plan = Plan(device, count, last, SEED, is_labelled=True, mishaps=mishaps)
    past = _past_retention(plan)
    if past:
        plan = replace(plan, mishaps=replace(mishaps, away=mishaps.away | past))
    simulation.simulate_nights(plan=plan, tell=lambda _: None)


def _past_retention(plan: Plan) -> frozenset[int]:
    """The places of the nights that would be removed at once, and are refused therefore."""
    tenant = plan.device.tenant
    kept = oldest_kept(tenant=tenant, at=timezone.now()).astimezone(ZoneInfo(tenant.timezone))
    return frozenset(place for place, day in plan.evenings.items() if day <= kept.date())
