"""Faults on purpose: switched on and off, where each strikes, whom it spares, and that it ends."""

import time
from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from noctis import faults, limits
from noctis.db.circuit import DATABASE
from noctis.faults import Fault as Active
from noctis.faults import Kind
from operations.models import Fault
from operations.services import faults as service
from tenants.models import AuditEntry, Tenant
from tests.calling import Calling, calling_as
from tests.factories import PlatformFactory, TenantFactory
from tests.tenants.households import as_, text

pytestmark = pytest.mark.django_db
LIST, ENABLE, DISABLE = "/internal/faults", "/internal/faults/enable", "/internal/faults/disable"
ORDER = {"kind": "db_down", "minutes": 5, "reason": "drill"}


@pytest.fixture(autouse=True)
def _allowed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of a test are not seen by another thread: this one reads them itself."""
    settings.FAULTS_ENABLED = True
    settings.DB_RETRY_MAX_ATTEMPTS = 1
    monkeypatch.setattr(service, "_known", ())
    monkeypatch.setattr(faults, "source", lambda: service._known)


@pytest.fixture
def platform() -> Tenant:
    return PlatformFactory()


@pytest.fixture
def admin(platform: Tenant) -> Calling:
    return calling_as("admin", platform)


def strike(kind: Kind, **more: object) -> None:
    """This fault alone is on in this process."""
    later = timezone.now() + timedelta(minutes=1)
    service._known = (Active(kind, **({"expires_at": later} | more)),)  # type: ignore[arg-type]  # as given


def test_it_is_switched_on_listed_audited_and_switched_off(admin: Calling) -> None:
    on = admin("POST", ENABLE, ORDER)
    listed = admin("GET", LIST).json()
    off = admin("POST", DISABLE, {"reason": "over"}).json()

    assert on.status_code == 200, on.json()
    assert [row["kind"] for row in listed["items"]] == ["db_down"]
    assert 290 < listed["items"][0]["seconds_left"] <= 300
    assert listed["enabled"] is True
    assert off["items"] == []
    actions = AuditEntry.objects.filter(action__startswith="fault.").order_by("id")
    assert [(row.action, row.reason) for row in actions] == [
        ("fault.enable", "drill"),
        ("fault.disable", "over"),
    ]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"minutes": 61}, "/minutes"),
        ({"minutes": 0}, "/minutes"),
        ({"kind": "db_latency_ms"}, "/value_ms"),
        ({"value_ms": 5}, "/value_ms"),
        ({"kind": "fire"}, "/kind"),
        ({"route_class": "console"}, "/route_class"),
        ({"tenant": "7e57ab1e-0000-4000-8000-000000000000"}, "/tenant"),
    ],
)
def test_what_is_out_of_bounds_is_refused(
    admin: Calling, changes: dict[str, object], pointer: str
) -> None:
    answer = admin("POST", ENABLE, ORDER | changes)

    assert answer.status_code == 422
    assert [problem["pointer"] for problem in answer.json()["errors"]] == [pointer]
    assert not service.on_now()


def test_an_end_and_a_reason_are_mandatory(admin: Calling) -> None:
    answer = admin("POST", ENABLE, {"kind": "db_down"})

    assert {p["pointer"] for p in answer.json()["errors"]} == {"/minutes", "/reason"}


def test_the_database_itself_refuses_more_than_an_hour() -> None:
    now = timezone.now()

    with pytest.raises(IntegrityError, match="fault_ends_within_the_hour"):
        Fault.objects.filter(kind="db_down").update(
            begun_at=now, expires_at=now + timedelta(minutes=61)
        )


def test_where_they_are_not_allowed_none_is_made(admin: Calling, settings: Settings) -> None:
    settings.FAULTS_ENABLED = False

    answer = admin("POST", ENABLE, ORDER)

    assert (answer.status_code, answer.json()["code"]) == (409, "faults_disabled")
    assert admin("GET", LIST).json() == {"enabled": False, "items": [], "next": None}


@pytest.mark.django_db(transaction=True)  # within a transaction nothing is tried again or counted
def test_a_database_that_is_down_on_purpose_opens_the_circuit_and_spares_probes_and_faults(
    admin: Calling,
) -> None:
    strike(Kind.DB_DOWN)

    answers = [admin("GET", "/v1/devices") for _ in range(DATABASE.threshold + 5)]

    assert {answer.status_code for answer in answers} == {503}
    assert answers[-1].json()["code"] == "db_circuit_open"
    assert Client().get("/readyz?for=ingest").status_code == 200
    assert Client().get("/metrics").status_code == 200
    DATABASE.reset()
    assert admin("GET", LIST).status_code == 200


def test_a_fault_for_one_tenant_leaves_the_others_and_the_circuit_alone(platform: Tenant) -> None:
    mine, other = TenantFactory(), TenantFactory()
    strike(Kind.DB_DOWN, tenant=mine.pk)

    struck = [calling_as("read", mine)("GET", "/v1/devices") for _ in range(8)]
    spared = calling_as("read", other)("GET", "/v1/devices")

    assert {answer.json()["code"] for answer in struck} == {"db_error"}
    assert spared.status_code == 200


def test_a_fault_for_one_class_of_calls_leaves_the_others_alone(admin: Calling) -> None:
    strike(Kind.DB_DOWN, route_class="write")

    read = admin("GET", "/v1/devices")
    write = admin("POST", "/v1/devices", {"name": "box"})

    assert (read.status_code, write.status_code) == (200, 503)


def test_latency_is_added_to_each_statement(admin: Calling) -> None:
    admin("GET", "/v1/devices")
    strike(Kind.DB_LATENCY_MS, value_ms=60)

    began = time.monotonic()
    answer = admin("GET", "/v1/devices")

    assert answer.status_code == 200
    assert time.monotonic() - began > 0.06


def test_a_timeout_is_told_as_one_and_nothing_is_done(admin: Calling) -> None:
    strike(Kind.TIMEOUT, value_ms=10)

    answer = admin("POST", "/v1/devices", {"name": "box"})

    service._known = ()
    assert (answer.status_code, answer.json()["code"]) == (504, "request_timeout")
    assert admin("GET", "/v1/devices").json()["items"] == []


def test_a_store_that_is_down_on_purpose_lets_calls_in_and_refuses_sign_ins(
    admin: Calling, client: Client
) -> None:
    strike(Kind.REDIS_DOWN)
    limits._leases._held.clear()

    call = admin("GET", "/v1/devices")
    body = {"username": "ada", "password": "x", "tenant": "noctis"}
    sign_in = client.post("/v1/auth/token", body, content_type="application/json")

    assert call.status_code == 200
    assert (sign_in.status_code, sign_in.json()["code"]) == (503, "limits_unavailable")


def test_a_fault_ends_by_itself_where_nobody_ends_it(admin: Calling) -> None:
    strike(Kind.DB_DOWN, expires_at=timezone.now() + timedelta(milliseconds=300))
    struck = admin("GET", "/v1/devices").status_code
    time.sleep(0.3)

    assert (struck, admin("GET", "/v1/devices").status_code) == (503, 200)


def test_what_was_known_goes_on_while_its_rows_cannot_be_read(admin: Calling) -> None:
    admin("POST", ENABLE, ORDER)
    service.refresh()

    assert [fault.kind for fault in faults.active()] == [Kind.DB_DOWN]


@pytest.mark.parametrize("role", ["operator", "auditor", "model_manager"])
def test_its_page_is_a_platform_admins_alone(platform: Tenant, role: str) -> None:
    assert as_(role, platform).get("/console/operations/fault/").status_code == 403


def test_the_console_switches_on_warns_on_every_page_and_switches_off(platform: Tenant) -> None:
    browser = as_("platform_admin", platform)
    row, _ = Fault.objects.get_or_create(kind="db_down")
    action = f"/console/operations/fault/action/on/?pk={row.pk}"
    answers = {"pk": row.pk, "minutes": 5, "reason": "drill"}

    shown = text(browser.get(action))
    browser.post(action, answers)
    service.refresh()
    pages = [text(browser.get(f"/console/{page}")) for page in ("", "devices/device/")]
    other = text(as_("tenant_viewer", TenantFactory()).get("/console/"))
    browser.post("/console/operations/fault/action/off/", {"pk": row.pk, "reason": "over"})
    service.refresh()
    after = text(browser.get("/console/"))

    assert "in every process" in shown
    assert all("Fails on purpose: db_down" in page for page in [*pages, other])
    assert "See it, or end it" in pages[0]
    assert "See it, or end it" not in other
    assert "Fails on purpose" not in after
