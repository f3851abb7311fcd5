"""Stress runs: in a tenant of their own, bounded, cleaned up, compared; not in production."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.utils import timezone

from inference import serving
from operations import stress as profiles
from operations.bodies.stress import PROFILE
from operations.models import StressRun
from operations.services import stress, synthetic
from operations.stress import Profile
from recordings.models import Epoch
from tenants.models import AuditEntry, Tenant
from tests.calling import Calling, calling_as
from tests.factories import ACTOR, PlatformFactory, TenantFactory
from tests.inference.conftest import shipped_schemas, store
from tests.inference.staged import serve
from tests.tenants.households import as_, text

__all__ = ["shipped_schemas", "store"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store", "shipped_schemas")]
RUN = "/internal/stress/run"
SMALL = PROFILE | {"device_count": 2, "hours": 1, "iterations": 3, "batch_size": 2}


@pytest.fixture
def platform() -> Tenant:
    return PlatformFactory()


@pytest.fixture
def admin(platform: Tenant) -> Calling:
    return calling_as("admin", platform)


def rows_by_table() -> dict[str, int]:
    return {
        model._meta.db_table: model._default_manager.count()
        for model in apps.get_models()
        if model is not StressRun
    }


def done(admin: Calling, **profile: object) -> StressRun:
    answer = admin("POST", RUN, SMALL | profile)
    assert answer.status_code == 202, answer.content
    row = StressRun.objects.get(uuid=answer.json()["id"])
    stress.run(run_id=row.pk)
    row.refresh_from_db()
    return row


def test_a_run_ingests_and_asks_and_leaves_nothing_behind(admin: Calling) -> None:
    serve()
    before = rows_by_table()

    row = done(admin)

    after = rows_by_table()
    assert (row.status, row.is_active, row.failure) == ("done", False, "")
    assert row.done == row.total == 2 + 6
    assert row.results["ingest"] | {"units": 240, "failed": 0, "calls": 2} == row.results["ingest"]
    assert row.results["inference"]["units"] == 6
    assert 0 < row.results["ingest"]["p50_ms"] <= row.results["ingest"]["p99_ms"]
    assert row.results["memory_bytes"]["peak"] > 1_000_000
    # That it was asked for stays in the platform's log.
    assert after.pop("tenants_auditentry") == before.pop("tenants_auditentry") + 1
    assert {name for name in after if after[name] != before[name]} <= {"tenants_auditchain"}
    assert AuditEntry.objects.filter(action="stress.run", object_id=str(row.uuid)).exists()


def test_the_same_seed_sends_the_same_bytes() -> None:
    schema = list(stress.schemas.active().features)
    made = [
        [
            batch.features.tobytes()
            for batch in synthetic.batches_of(schema=schema, epochs=50, size=20, seed=seed)
        ]
        for seed in (1, 1, 2)
    ]

    assert made[0] == made[1] != made[2]
    assert len(made[0]) == 3


def test_without_a_model_questions_fail_and_are_counted_as_such(admin: Calling) -> None:
    serving.forget()

    row = done(admin, mode="inference")

    assert row.status == "done"
    assert row.results["inference"] | {"failed": 6, "units": 0} == row.results["inference"]
    assert "ingest" not in row.results


def test_one_at_a_time(admin: Calling) -> None:
    first = admin("POST", RUN, SMALL)
    second = admin("POST", RUN, SMALL)

    assert (first.status_code, second.status_code) == (202, 409)
    assert second.json()["code"] == "stress_running"


def test_production_refuses_unless_a_setting_allows_it(
    admin: Calling, settings: LazySettings
) -> None:
    settings.PRODUCTION = True
    refused = admin("POST", RUN, SMALL)
    settings.STRESS_IN_PRODUCTION = True
    allowed = admin("POST", RUN, SMALL)

    assert (refused.status_code, refused.json()["code"]) == (403, "stress_not_allowed")
    assert allowed.status_code == 202


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "everything"},
        {"device_count": 51},
        {"epoch_seconds": 10},
        {"device_count": 50, "hours": 24, "seed": -1},
        {"iterations": 20_000, "batch_size": 2},
        {"surprise": 1},
    ],
)
def test_a_run_without_bounds_is_refused(admin: Calling, change: dict[str, object]) -> None:
    assert admin("POST", RUN, SMALL | change).status_code == 422
    assert not StressRun.objects.exists()


def test_a_run_that_takes_too_long_ends_and_cleans_up(
    admin: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "LONGEST_S", 0.0)

    row = done(admin)

    assert (row.status, row.failure, row.done) == ("failed", "TookTooLong", 1)
    assert not Tenant.objects.filter(slug__startswith=synthetic.PREFIX).exists()


def test_a_bug_ends_the_run_cleans_up_and_surfaces(
    admin: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stress, "_append", None)

    with pytest.raises(TypeError):
        done(admin)

    row = StressRun.objects.get()
    assert (row.status, row.failure, row.is_active) == ("failed", "broken_off", False)
    assert not Tenant.objects.filter(slug__startswith=synthetic.PREFIX).exists()


def test_what_a_killed_worker_left_is_removed_and_the_run_ended() -> None:
    row = stress.request_run(profile=Profile("ingest", 1, 1, 30, 60, 1, 1, 1), actor=ACTOR)
    left = synthetic.open_tenant(name="left", actor=ACTOR)
    synthetic.open_nights(tenant=left, count=1, started_at=timezone.now(), actor=ACTOR)
    StressRun.objects.update(status="running", tenant_slug=left.slug)
    now = timezone.now()

    early = stress.end_abandoned(at=now + timedelta(minutes=4))
    late = stress.end_abandoned(at=now + timedelta(minutes=6))

    row.refresh_from_db()
    assert (early, late, row.failure, row.is_active) == (0, 1, "abandoned", False)
    assert not Tenant.objects.filter(pk=left.pk).exists()


def test_a_run_whose_message_came_twice_is_done_once(admin: Calling) -> None:
    row = done(admin, mode="ingest")

    stress.run(run_id=row.pk)

    assert StressRun.objects.get().finished_at == row.finished_at


def test_nobody_elses_tenant_is_ever_removed() -> None:
    tenant = TenantFactory()

    with pytest.raises(synthetic.NotSynthetic):
        synthetic.remove_tenant(tenant=tenant)

    assert Tenant.objects.filter(pk=tenant.pk).exists()
    assert not Epoch.objects.exists()


def test_two_runs_are_compared_by_the_api_and_the_console(
    admin: Calling, platform: Tenant, tmp_path: Path
) -> None:
    serve()
    first, second = done(admin), done(admin, seed=2)
    page = f"/console/operations/stressrun/{second.pk}/change/"

    body = admin("GET", f"/internal/stress/runs/{second.uuid}?against={first.uuid}").json()
    shown = text(as_("operator", platform).get(page))

    figures = {
        (row["part"], row["figure"]): (row["this"], row["other"]) for row in body["compared"]
    }
    mine, other = second.results["ingest"]["p95_ms"], first.results["ingest"]["p95_ms"]
    assert figures["ingest", "p95_ms"] == (mine, other)
    assert ("inference", "per_s") in figures
    assert "inference p99_ms" in shown
    assert admin("GET", f"/internal/stress/runs/{second.uuid}?against=x").status_code == 404
