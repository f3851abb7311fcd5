"""`/internal/timescale`, `manage.py storage` and the console: one plan, reviewed and applied."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from operations import storage
from operations.models import StoragePolicy
from recordings.models import Recording
from tenants.models import AuditEntry, Tenant
from tests.calling import Calling, calling_as, codes
from tests.factories import PlatformFactory, TenantFactory
from tests.inference.staged import opened, send
from tests.tenants.households import as_, text

pytestmark = pytest.mark.django_db
POLICIES, DRY_RUN, APPLY = (
    f"/internal/timescale/{end}" for end in ("policies", "dry-run", "apply")
)
CONSOLE = "/console/operations/storagepolicy/"


@pytest.fixture
def platform() -> Tenant:
    return PlatformFactory()


@pytest.fixture
def admin(platform: Tenant) -> Calling:
    return calling_as("admin", platform)


def planned(admin: Calling) -> dict[str, object]:
    return admin("POST", DRY_RUN).json()


def applied(admin: Calling) -> dict[str, object]:
    return admin("POST", APPLY, {"plan": planned(admin)["plan"], "reason": "agreed"}).json()


def values() -> dict[str, int | None]:
    return dict(StoragePolicy.objects.values_list("name", "value"))


def older(night: Recording, days: int) -> None:
    """As if it had begun earlier; its epochs with it."""
    back = f"{days} days"
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE recordings_recording SET started_at = started_at - %s::interval,"
            " ended_at = ended_at - %s::interval WHERE id = %s",
            [back, back, night.pk],
        )


def test_a_plan_is_reviewed_applied_and_then_empty(admin: Calling) -> None:
    first = planned(admin)

    done = applied(admin)

    assert {row["policy"] for row in first["changes"]} >= {
        "epochs.retention",
        "predictions.retention",
        "recording_daily_summary.refresh",
    }
    assert done["applied"] == first["changes"]
    assert planned(admin)["changes"] == []
    assert values()["epochs.retention"] == 90


def test_a_changed_number_replaces_the_policy(admin: Calling, settings: LazySettings) -> None:
    applied(admin)
    settings.EPOCHS_RETENTION_DAYS = 30

    plan = planned(admin)
    applied(admin)

    assert [
        (row["policy"], row["action"], row["before"], row["after"]) for row in plan["changes"]
    ] == [("epochs.retention", "replace", 90, 30)]
    assert values()["epochs.retention"] == 30


def test_a_plan_of_another_state_is_refused_and_changes_nothing(
    admin: Calling, settings: LazySettings
) -> None:
    reviewed = planned(admin)["plan"]
    settings.EPOCHS_RETENTION_DAYS = 30

    refused = admin("POST", APPLY, {"plan": reviewed})

    assert (refused.status_code, refused.json()["code"]) == (409, "plan_stale")
    assert set(values().values()) == {None}


def test_a_plan_that_was_applied_is_stale(admin: Calling) -> None:
    body = {"plan": planned(admin)["plan"]}
    admin("POST", APPLY, body)

    again = admin("POST", APPLY, body)

    assert (again.status_code, again.json()["code"]) == (409, "plan_stale")


def test_applying_with_the_same_key_again_is_the_same_answer(admin: Calling) -> None:
    body = {"plan": planned(admin)["plan"]}

    first, again = (admin("POST", APPLY, body, Idempotency_Key="one") for _ in range(2))

    assert first.status_code == again.status_code == 200
    assert again.json() == first.json()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, ("/plan", "required")),
        ({"plan": "anything"}, ("/plan", "invalid")),
        ({"plan": "a" * 64, "force": True}, ("/force", "unknown_field")),
    ],
)
def test_a_bad_body_is_refused_whole(
    admin: Calling, body: dict[str, object], problem: tuple[str, str]
) -> None:
    refused = admin("POST", APPLY, body)

    assert refused.status_code == 422
    assert codes(refused) == {problem}
    assert set(values().values()) == {None}


@pytest.mark.parametrize("method_and_path", [("GET", POLICIES), ("POST", DRY_RUN), ("POST", APPLY)])
def test_a_tenants_own_admin_may_not(method_and_path: tuple[str, str]) -> None:
    theirs = calling_as("admin", TenantFactory())

    assert theirs(*method_and_path).status_code == 403


def test_each_step_is_audited_with_the_number_before_and_after(
    admin: Calling, platform: Tenant, settings: LazySettings
) -> None:
    applied(admin)
    settings.EPOCHS_RETENTION_DAYS = 30

    applied(admin)

    entry = AuditEntry.objects.owned_by(platform).filter(action="storage.apply").latest("sequence")
    assert (entry.object_id, entry.before["value"], entry.after["value"], entry.reason) == (
        "epochs.retention",
        90,
        30,
        "agreed",
    )


def test_a_dry_run_says_what_would_go(admin: Calling) -> None:
    past, young, kept = (opened() for _ in range(3))
    for night in (past, young, kept):
        send(night, 40)
    older(past, 100)
    older(kept, 100)
    Recording.objects.filter(pk=kept.pk).update(is_kept=True)

    going = {row["series"]: row for row in planned(admin)["going"]}

    assert (going["epochs"]["days"], going["epochs"]["nights"], going["epochs"]["rows"]) == (
        90,
        1,
        40,
    )
    assert going["epochs"]["oldest"] < (timezone.now() - timedelta(days=99)).isoformat()
    assert (going["predictions"]["nights"], going["predictions"]["rows"]) == (0, 0)


def test_a_dry_run_counts_by_each_tenants_own_limit(admin: Calling) -> None:
    brief, usual = opened(TenantFactory(retention_days=10)), opened()
    for night in (brief, usual):
        send(night, 40)
        older(night, 20)

    going = {row["series"]: row for row in planned(admin)["going"]}

    assert going["epochs"]["nights"] == 1


def test_the_state_says_the_edition_and_who_does_what(admin: Calling) -> None:
    applied(admin)

    found = admin("GET", POLICIES).json()

    by = {row["policy"]: row for row in found["policies"]}
    assert found["edition"] == storage.edition().value
    assert by["epochs.retention"]["done_by"] == "beat"
    assert (by["epochs.retention"]["value"], by["epochs.retention"]["wanted"]) == (90, 90)
    assert by["epochs.retention"]["applied_at"]
    assert {row["series"] for row in found["series"]} == {"epochs", "predictions"}


def test_the_state_costs_the_same_whatever_there_is(admin: Calling) -> None:
    admin("GET", POLICIES)
    with CaptureQueriesContext(connection) as few:
        admin("GET", POLICIES)
    for _ in range(5):
        send(opened(), 5)
    # On a slow machine the caller's key may have to be asked for again by now.
    admin("GET", POLICIES)

    with CaptureQueriesContext(connection) as many:
        admin("GET", POLICIES)

    assert len(many) == len(few)


def test_the_probe_names_the_edition(client: Client) -> None:
    assert client.get("/readyz").json()["edition"] == storage.edition().value


def run(*words: str) -> str:
    out = StringIO()
    call_command("storage", *words, stdout=out)
    return out.getvalue()


def test_the_command_plans_and_applies_the_same(platform: Tenant) -> None:
    plan = json.loads(run("plan", "--json"))

    run("apply", plan["plan"], "--reason", "agreed")

    assert values()["epochs.retention"] == 90
    assert json.loads(run("plan", "--json"))["changes"] == []
    assert f"edition: {storage.edition()}" in run("status")
    assert run("apply").strip() == "Nothing yet."


def test_the_command_refuses_a_stale_plan(platform: Tenant) -> None:
    with pytest.raises(CommandError, match="plan_stale"):
        run("apply", "0" * 64)


def test_ensuring_hypertables_touches_no_retention(platform: Tenant) -> None:
    run("ensure")

    assert values()["epochs.retention"] is None


def test_the_console_shows_a_plan_and_applies_what_was_shown(platform: Tenant) -> None:
    browser = as_("platform_admin", platform)
    pk = StoragePolicy.objects.get(name="epochs.retention").pk
    page = browser.get(f"{CONSOLE}action/apply/?pk={pk}")
    form = page.context["form"]
    answers = {"pk": pk, "plan": form.initial["plan"], "reason": "agreed", "confirmation": "apply"}

    done = browser.post(f"{CONSOLE}action/apply/", answers)

    assert "epochs.retention: none -&gt; 90 days, done by beat" in text(page)
    assert done.status_code == 200
    assert values()["epochs.retention"] == 90


def test_the_console_refuses_a_stale_plan(platform: Tenant) -> None:
    browser = as_("platform_admin", platform)
    pk = StoragePolicy.objects.get(name="epochs.retention").pk
    answers = {"pk": pk, "plan": "0" * 64, "reason": "agreed", "confirmation": "apply"}

    refused = browser.post(f"{CONSOLE}action/apply/", answers)

    assert "The plan is no longer" in text(refused) or "have changed since" in text(refused)
    assert set(values().values()) == {None}


def test_the_consoles_list_says_who_does_what(platform: Tenant) -> None:
    browser = as_("platform_admin", platform)

    shown = text(browser.get(CONSOLE))

    assert "epochs.retention" in shown
    assert "beat" in shown


def test_a_tenants_people_do_not_see_the_page() -> None:
    browser = as_("tenant_admin", TenantFactory())

    assert browser.get(CONSOLE).status_code == 403
