"""Labelled nights as rows, of several people, for snapshots and what is trained of them."""

from datetime import date, timedelta

from devices.models import Device
from mlops.services import simulation
from mlops.services.simulation import Plan
from recordings.models import LabelSet
from tenants.models import Tenant
from tests.factories import DeviceFactory
from tests.recordings.full_nights import ship_schemas

EVENING = date.today() - timedelta(days=3)  # noqa: DTZ011 - an evening by any clock


def people(tenant: Tenant, count: int, nights: int = 1, seed: int = 1) -> list[Device]:
    """A bed each, with simulated nights that somebody has scored."""
    ship_schemas()
    devices = [DeviceFactory(tenant=tenant) for _ in range(count)]
    for device in devices:
        plan = Plan(device, nights, EVENING, seed, is_labelled=True)
        simulation.simulate_nights(plan=plan, tell=lambda _: None)
    return devices


def scored_by_people(tenant: Tenant) -> None:
    """As if persons had scored them: ground truth, and no simulator's."""
    LabelSet.objects.owned_by(tenant).update(source="human", scorer="rater-7")
