"""Stress runs in the console: asked for by a button, followed, and cancelled."""

import pytest
from django.conf import LazySettings
from django.test import Client

from operations.models import StressRun
from operations.services import stress, synthetic
from operations.stress import BOUNDS, Profile
from tenants.models import AuditEntry, Tenant
from tests.factories import ACTOR, PlatformFactory, TenantFactory
from tests.inference.conftest import shipped_schemas, store
from tests.tenants.households import as_, text

__all__ = ["shipped_schemas", "store"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store", "shipped_schemas")]
LIST = "/console/operations/stressrun/"
START, CANCEL = f"{LIST}action/start/", f"{LIST}action/cancel/"
ANSWERS = {name: usual for name, (_, _, usual) in BOUNDS.items()}
ANSWERS |= {"mode": "ingest", "device_count": 2, "hours": 1, "reason": "before the winter"}


@pytest.fixture
def platform() -> Tenant:
    return PlatformFactory()


@pytest.fixture
def admin(platform: Tenant) -> Client:
    return as_("platform_admin", platform)


def small() -> Profile:
    return Profile("ingest", 2, 1, 30, 30, 1, 1, 1)


def test_the_button_asks_says_what_it_costs_and_starts_one(admin: Client) -> None:
    empty = text(admin.get(LIST))
    shown = text(admin.get(START))

    answer = admin.post(START, ANSWERS, follow=True)

    row = StressRun.objects.get()
    assert f'href="{START}"' in empty
    assert "No run yet" in empty
    assert "Everybody else has less of the platform" in shown
    assert not AuditEntry.objects.filter(action="stress.run", reason="").exists()
    assert answer.redirect_chain == [(f"{LIST}{row.pk}/change/", 302)]
    assert "is asked for. <a href=" in text(answer)
    assert (row.profile["mode"], row.profile["device_count"], row.total) == ("ingest", 2, 2)
    entry = AuditEntry.objects.get(action="stress.run")
    assert (entry.reason, entry.channel) == ("before the winter", "console")
    assert entry.object_id == str(row.uuid)


def test_looking_starts_nothing(admin: Client) -> None:
    admin.get(START)
    without_reason = admin.post(START, ANSWERS | {"reason": ""})

    assert without_reason.status_code == 200
    assert not StressRun.objects.exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"device_count": 51}, "less than or equal to 50"),
        ({"device_count": 50, "hours": 24}, None),
        ({"device_count": 50, "hours": 24, "mode": "both", "iterations": 20_000}, "at most 20000"),
        ({"mode": "everything"}, "Select a valid choice"),
    ],
)
def test_the_bounds_are_those_of_the_api(
    admin: Client, change: dict[str, object], says: str | None
) -> None:
    answer = admin.post(START, ANSWERS | change)

    assert StressRun.objects.exists() == (says is None)
    assert says is None or says in text(answer)


def test_a_second_is_refused_and_told_which_is_under_way(admin: Client) -> None:
    admin.post(START, ANSWERS)
    row = StressRun.objects.get()

    shown = admin.get(START)
    refused = admin.post(START, ANSWERS)

    assert refused.status_code == 409
    for page in (shown, refused):
        assert f"{row}, asked for by {row.requested_by}, has not ended." in text(page)
        assert 'type="submit" value="Start' not in text(page)
    assert StressRun.objects.count() == 1


def test_production_refuses_unless_a_setting_allows_it(
    admin: Client, settings: LazySettings
) -> None:
    settings.PRODUCTION = True
    refused = admin.post(START, ANSWERS)
    settings.STRESS_IN_PRODUCTION = True
    allowed = admin.post(START, ANSWERS)

    assert "No stress run in production" in text(refused)
    assert (refused.status_code, allowed.status_code) == (409, 302)


@pytest.mark.parametrize("role", ["operator", "auditor", "model_manager", "tenant_admin"])
def test_only_a_platform_admin_has_the_button(platform: Tenant, role: str) -> None:
    run = stress.request_run(profile=small(), actor=ACTOR)
    people = [as_(role, platform), as_(role, TenantFactory())]

    answers = [
        call
        for one in people
        for call in (
            one.get(START),
            one.post(START, ANSWERS),
            one.post(CANCEL, {"pk": run.pk, "reason": "x"}),
        )
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert START not in text(people[0].get(LIST))
    run.refresh_from_db()
    assert run.is_active


def test_a_run_that_waits_is_cancelled_at_once_and_never_begun(admin: Client) -> None:
    run = stress.request_run(profile=small(), actor=ACTOR)

    answer = admin.post(CANCEL, {"pk": run.pk, "reason": "not now"}, follow=True)
    stress.run(run_id=run.pk)

    run.refresh_from_db()
    assert (run.status, run.is_active, run.done) == ("cancelled", False, 0)
    assert "is cancelled" in text(answer)
    assert AuditEntry.objects.get(action="stress.cancel").reason == "not now"
    assert admin.post(START, ANSWERS).status_code == 302


def test_a_run_under_way_ends_keeps_what_it_measured_and_cleans_up(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stress.request_run(profile=small(), actor=ACTOR)
    append = stress._append

    def append_and_cancel(*given: object) -> int:
        admin.post(CANCEL, {"pk": run.pk, "reason": "enough"})
        return append(*given)  # type: ignore[arg-type]  # what the service was given

    monkeypatch.setattr(stress, "_append", append_and_cancel)

    stress.run(run_id=run.pk)

    run.refresh_from_db()
    assert (run.status, run.failure, run.is_active) == ("cancelled", "", False)
    assert run.done == run.results["ingest"]["calls"] == 1 < run.total
    assert not Tenant.objects.filter(slug__startswith=synthetic.PREFIX).exists()


def test_a_run_cancelled_just_before_its_worker_began_leaves_nothing(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stress.request_run(profile=small(), actor=ACTOR)
    opened = synthetic.open_tenant

    def open_after_the_cancel(**known: object) -> Tenant:
        admin.post(CANCEL, {"pk": run.pk, "reason": "x"})
        return opened(**known)  # type: ignore[arg-type]  # what the service was given

    monkeypatch.setattr(synthetic, "open_tenant", open_after_the_cancel)

    stress.run(run_id=run.pk)

    run.refresh_from_db()
    assert (run.status, run.done) == ("cancelled", 0)
    assert not Tenant.objects.filter(slug__startswith=synthetic.PREFIX).exists()


def test_what_has_ended_cannot_be_cancelled(admin: Client) -> None:
    run = stress.request_run(profile=small(), actor=ACTOR)
    stress.run(run_id=run.pk)

    answer = admin.post(CANCEL, {"pk": run.pk, "reason": "late"}, follow=True)

    run.refresh_from_db()
    assert run.status == "done"
    assert "It has ended, or will." in text(answer)
    with pytest.raises(stress.StressOver):
        stress.cancel_run(run=run, actor=ACTOR, reason="late")


def test_the_page_follows_a_run_until_it_has_ended(admin: Client) -> None:
    run = stress.request_run(profile=small(), actor=ACTOR)
    page = f"{LIST}{run.pk}/change/"

    during = text(admin.get(page))
    stress.run(run_id=run.pk)
    after = text(admin.get(page))

    assert f'data-live="{page}"' in during
    assert "0 / 8 (0 %)" in during
    assert 'id="live"' in after
    assert "data-live=" not in after
    assert "8 / 8 (100 %)" in after
