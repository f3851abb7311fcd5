"""What a killed measurement leaves is removed by name later, and nothing that is anybody's."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from operations.models import StressRun
from operations.services import stress, synthetic
from operations.services.load import here
from operations.stress import Profile
from operations.tasks.stress import remove_left_tenants
from recordings.models import Epoch
from recordings.services import epochs, schemas
from recordings.services.epochs import Source
from tenants.models import ServiceClient, Tenant
from tests.factories import ACTOR, PlatformFactory, TenantFactory
from tests.inference.conftest import shipped_schemas

__all__ = ["shipped_schemas"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shipped_schemas")]
LONG_AGO = timedelta(hours=1)


@pytest.fixture(autouse=True)
def platform() -> Tenant:
    return PlatformFactory()


def left_by_a_kill(name: str = here.TENANT_NAME) -> Tenant:
    """A tenant with a night and its epochs, an hour old."""
    tenant = synthetic.open_tenant(name=name, actor=here.DOER)
    now = timezone.now()
    night, *_ = synthetic.open_nights(tenant=tenant, count=1, started_at=now, actor=ACTOR)
    spoken = schemas.active()
    for batch in synthetic.batches_of(schema=list(spoken.features), epochs=20, size=20, seed=1):
        epochs.append_epochs(source=Source(tenant, night.uuid), schema_id=spoken.id, batch=batch)
    return aged(tenant, now - LONG_AGO)


def aged(tenant: Tenant, created_at: datetime) -> Tenant:
    Tenant.objects.filter(pk=tenant.pk).update(created_at=created_at)
    return tenant


def test_the_sweep_removes_what_was_left_and_all_its_rows() -> None:
    left_by_a_kill()
    assert Epoch.objects.count() == 20

    removed = [remove_left_tenants(), remove_left_tenants()]

    assert removed == [1, 0]
    assert not Tenant.objects.filter(slug__startswith=synthetic.PREFIX).exists()
    assert not Epoch.objects.exists()


def test_the_next_load_test_removes_it_and_its_own() -> None:
    left = left_by_a_kill()

    with here.opened_tokens(reloads=False):
        during = list(Tenant.objects.filter(slug__startswith=synthetic.PREFIX))

    assert len(during) == 1
    assert left not in during
    assert not Tenant.objects.filter(slug__startswith=synthetic.PREFIX).exists()


def test_a_measurement_that_may_still_run_keeps_its_tenant() -> None:
    young = synthetic.open_tenant(name=here.TENANT_NAME, actor=here.DOER)
    aged(young, timezone.now() - timedelta(seconds=here.TOKEN_S))

    assert remove_left_tenants() == 0
    assert Tenant.objects.filter(pk=young.pk).exists()


def test_the_tenant_of_a_stress_run_under_way_is_kept_however_old() -> None:
    tenant = left_by_a_kill("stress run")
    run = stress.request_run(profile=Profile("ingest", 1, 1, 30, 60, 1, 1, 1), actor=ACTOR)
    StressRun.objects.update(tenant_slug=tenant.slug)

    during = remove_left_tenants()
    StressRun.objects.filter(pk=run.pk).update(is_active=False)

    assert (during, remove_left_tenants()) == (0, 1)


@pytest.mark.parametrize("slug", ["synthetic-0123456789abcdef", "synthetic-sleep-laboratory"])
def test_a_customer_who_is_called_so_is_never_removed(slug: str) -> None:
    customer = aged(TenantFactory(slug=slug, name=here.TENANT_NAME), timezone.now() - LONG_AGO)

    assert remove_left_tenants() == 0
    assert Tenant.objects.filter(pk=customer.pk).exists()


def test_the_client_that_a_kill_left_let_in_is_shut_out_once_no_test_runs() -> None:
    here._reloader()
    running = synthetic.open_tenant(name=here.TENANT_NAME, actor=here.DOER)

    remove_left_tenants()
    during = ServiceClient.objects.get(name=here.NAME).is_enabled
    synthetic.remove_tenant(tenant=running)
    remove_left_tenants()

    assert (during, ServiceClient.objects.get(name=here.NAME).is_enabled) == (True, False)
