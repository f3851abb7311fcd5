"""The demo's nights: what a stranger finds, made once, whatever cut it short."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.conf import LazySettings

from mlops.services.simulation import Plan
from mlops.simulator.nights import simulate
from mlops.simulator.tables import FEATURES
from noctis.launch import demo_nights
from recordings.models import Epoch, LabelSet, Recording
from recordings.services import schemas
from tenants.models import AuditEntry, Tenant
from tenants.services.audit import Actor
from tests.factories import TenantFactory

ACTOR = Actor("demo", AuditEntry.Channel.COMMAND)


@pytest.fixture(autouse=True)
def _no_remembered_schema() -> Iterator[None]:
    schemas.forget_active()
    yield
    schemas.forget_active()


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory(slug="quay", timezone="Europe/Oslo")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_nights, "BEDS", demo_nights.BEDS[1:3])
    monkeypatch.setattr(demo_nights, "NIGHTS", 2)


def nights_by_device() -> dict[str, list[Recording]]:
    rows = Recording.objects.select_related("device").order_by("device__external_id", "started_at")
    return {name: list(found) for name, found in groupby(rows, lambda row: row.device.external_id)}


def drift(night: Recording) -> float:
    """How much more restless a heart is than its sleeper's in the same night."""
    rows = Epoch.objects.filter(tenant_id=night.tenant_id, recording_id=night.pk)
    plan = Plan(night.device, 1, night.night_on, demo_nights.SEED)
    (slept,) = simulate([(plan.seed, plan.sleeper, night.night_on.toordinal())])
    place = FEATURES.index("hr_std")
    told = np.array([features[place] for features in rows.values_list("features", flat=True)])
    return float(np.nanmedian(told.astype(float)) / np.nanmedian(slept.features[:, place]))


@pytest.mark.django_db
def test_there_are_two_weeks_of_beds_with_what_goes_wrong(
    tenant: Tenant, settings: LazySettings
) -> None:
    settings.EPOCHS_RETENTION_DAYS = 300  # in some months the clocks changed longer ago than 90
    demo_nights.seed(tenant, ACTOR)

    found = nights_by_device()
    evenings = {name: [night.night_on for night in nights] for name, nights in found.items()}
    assert {name: len(nights) for name, nights in found.items()} == {
        "bed-1": 15,
        "bed-2": 11,
        "bed-3": 14,
        "bed-4": 14,
    }
    assert evenings["bed-3"][-1] - evenings["bed-3"][0] == timedelta(days=13)
    assert all(night.status == "closed" for nights in found.values() for night in nights)
    lost = found["bed-3"][8]
    indexes = Epoch.objects.filter(tenant_id=tenant.pk, recording_id=lost.pk).values_list(
        "epoch_index"
    )
    assert not {index for (index,) in indexes} & set(range(500, 740))
    assert [round(drift(night), 2) for night in found["bed-4"][4:8]] == [1.0, 1.0, 1.21, 1.43]
    assert drift(found["bed-4"][-1]) == pytest.approx(2.5)
    marks = {(row.source, row.scorer) for row in LabelSet.objects.all()}
    assert marks == {("synthetic", "synthetic-simulator")}
    assert LabelSet.objects.count() == 54


@pytest.mark.django_db
def test_nights_that_are_no_longer_kept_are_not_made(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_nights, "BEDS", demo_nights.BEDS[:1])
    tenant.retention_days = 10

    demo_nights.seed(tenant, ACTOR)

    first, *_, last = [night.night_on for night in nights_by_device()["bed-1"]]
    assert (last - first).days == 8
    evening = tenant.created_at.astimezone(ZoneInfo(tenant.timezone)).date()
    assert last == evening - timedelta(days=1)


@pytest.mark.django_db
@pytest.mark.usefixtures("few")
def test_what_is_there_is_left_and_what_was_erased_stays_away(tenant: Tenant) -> None:
    demo_nights.seed(tenant, ACTOR)
    LabelSet.objects.all().delete()

    demo_nights.seed(tenant, ACTOR)

    assert LabelSet.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("few")
def test_nights_that_were_cut_short_are_finished(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(demo_nights, "BEDS", demo_nights.BEDS[:1])
        patched.setattr(demo_nights, "FILLED", "demo.cut_short")
        demo_nights.seed(tenant, ACTOR)

    demo_nights.seed(tenant, ACTOR)

    assert {name: len(nights) for name, nights in nights_by_device().items()} == {
        "bed-2": 2,
        "bed-3": 2,
    }


def test_the_clock_change_found_is_the_last_before() -> None:
    oslo = ZoneInfo("Europe/Oslo")

    autumn = demo_nights.last_clock_change(oslo, date(2026, 11, 7))
    spring = demo_nights.last_clock_change(oslo, date(2026, 10, 24))

    assert (autumn, spring) == (date(2026, 10, 24), date(2026, 3, 28))
    assert demo_nights.last_clock_change(ZoneInfo("UTC"), date(2026, 11, 7)) is None
