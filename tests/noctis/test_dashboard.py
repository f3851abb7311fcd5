"""The overview: at most twelve questions, each reader her own tenants, nothing made up."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from devices.models import Device
from noctis.models import Traffic
from tenants.models import ServiceClientKey, Tenant
from tenants.roles import ConsoleRole
from tests.factories import DeviceFactory, KeyFactory, PlatformFactory, RecordingFactory
from tests.tenants.households import Household, as_, text

pytestmark = pytest.mark.django_db

INDEX = "/console/"
RANGES = ("1h", "24h", "7d", "30d")


@pytest.fixture
def heron() -> Household:
    return Household("heron")


@pytest.fixture
def magpie() -> Household:
    return Household("magpie")


def due_key(home: Household) -> ServiceClientKey:
    key = KeyFactory(client=home.client).key
    ends = timezone.now() + timedelta(days=2)
    kid = f"{home.canary}-ends"
    ServiceClientKey.objects.filter(pk=key.pk).update(expires_at=ends, kid=kid)
    return key


def live(browser: Client, address: str = INDEX) -> str:
    """The part with numbers; what the page offers to choose from stands before it."""
    return text(browser.get(address)).split('id="live"')[1]


@pytest.mark.parametrize("is_platform", [True, False], ids=["platform", "customer"])
@pytest.mark.parametrize("role", ConsoleRole)
def test_every_role_opens_it_with_twelve_questions_at_most(
    role: ConsoleRole, is_platform: bool, heron: Household
) -> None:
    browser = as_(role, PlatformFactory() if is_platform else heron.tenant)
    for number in range(3):
        RecordingFactory(device=DeviceFactory(tenant=heron.tenant, external_id=f"H{number}"))

    with CaptureQueriesContext(connection) as asked:
        answer = browser.get(INDEX)

    assert answer.status_code == 200
    assert len(asked) <= 12


@pytest.mark.parametrize("name", RANGES)
def test_a_range_stands_in_the_address_and_a_foreign_one_is_the_usual(
    name: str, heron: Household
) -> None:
    browser = as_("tenant_viewer", heron.tenant)

    page = text(browser.get(f"{INDEX}?range={name}"))

    assert f'<a href="?range={name}" aria-current="true">' in page
    assert 'range=24h" aria-current' in text(browser.get(f"{INDEX}?range=9y"))


def test_a_viewer_counts_her_own_tenants_and_reads_nothing_of_the_installation(
    heron: Household, magpie: Household
) -> None:
    for home, count in ((heron, 1), (magpie, 2)):
        for _ in range(count):
            DeviceFactory(tenant=home.tenant)
        due_key(home)

    page = live(as_("tenant_viewer", heron.tenant))
    admins = live(as_("tenant_admin", heron.tenant))
    everybodys = live(as_("platform_admin", PlatformFactory()))

    assert "of 1 active" in page
    assert "of 3 active" in everybodys
    assert "-ends" not in page
    assert "heron-ends" in admins
    assert "magpie" not in page + admins
    assert "Requests by outcome" not in page + admins
    assert "Requests by outcome" in everybodys


def test_a_key_that_retires_unused_bothers_nobody_and_one_still_used_does(heron: Household) -> None:
    key = due_key(heron)
    rows = ServiceClientKey.objects.filter(pk=key.pk)
    browser = as_("tenant_admin", heron.tenant)

    rows.update(state="retiring")
    unused = live(browser)
    rows.update(last_used_at=timezone.now())
    used = live(browser)

    assert "heron-ends" not in unused
    assert "heron-ends" in used


def test_the_clock_is_the_tenant_s(heron: Household) -> None:
    Tenant.objects.filter(pk=heron.tenant.pk).update(timezone="Asia/Tokyo")

    page = live(as_("tenant_viewer", heron.tenant))

    assert f"As of {timezone.now() + timedelta(hours=9):%Y-%m-%d}" in page
    assert " JST." in page


def test_one_tenant_is_looked_at_alone_and_a_strangers_is_not_there(
    heron: Household, magpie: Household
) -> None:
    DeviceFactory(tenant=heron.tenant)
    DeviceFactory(tenant=magpie.tenant)
    everybody = as_("platform_admin", PlatformFactory())

    page = live(everybody, f"{INDEX}?tenant=magpie")
    refused = as_("tenant_viewer", heron.tenant).get(f"{INDEX}?tenant=magpie")

    assert "of 1 active" in page
    assert "Requests by outcome" not in page
    assert refused.status_code == 404


def test_what_was_not_sampled_is_said_to_be_unknown() -> None:
    browser = as_("platform_admin", PlatformFactory())

    before = live(browser)
    Traffic.objects.create(
        minutes=5, at=timezone.now() - timedelta(minutes=30), failed=1, answered=3
    )
    after = live(browser)

    assert "no minute of this range was sampled" in before
    assert "25.00 %" in after
    assert "no prediction was asked for" in after


def test_a_silent_device_is_counted_and_listed(heron: Household) -> None:
    browser = as_("tenant_viewer", heron.tenant)
    DeviceFactory(tenant=heron.tenant, name="silent bed")
    heard = DeviceFactory(tenant=heron.tenant, name="heard bed")
    Device.objects.filter(pk=heard.pk).update(last_seen_at=timezone.now())

    page = live(browser)
    listed = text(browser.get("/console/devices/device/?heard=silent"))

    assert "1 device is silent" in page
    assert "silent bed" in listed
    assert "heard bed" not in listed


def test_a_missing_backup_is_told_once_it_is_late_and_not_before() -> None:
    platform = PlatformFactory()
    browser = as_("platform_admin", platform)
    told = "The newest backup is older than 36 hours, or missing."

    young = live(browser)
    Tenant.objects.filter(pk=platform.pk).update(created_at=timezone.now() - timedelta(days=2))
    old = live(browser)

    assert told not in young
    assert told in old
