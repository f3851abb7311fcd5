"""Replays and promotions in the console: versions side by side, gates, and the way back."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inference.artifacts import files_of
from inference.models import ModelVersion, Serving
from inference.services import model_imports, registry
from mlops.models import GateRun, Replay, ReplayNight
from mlops.services import replaying, replays
from mlops.services.comparisons import Nights
from recordings.models import Recording
from tenants.models import AuditEntry, Tenant
from tests.factories import ACTOR, PlatformFactory, TenantFactory
from tests.inference import drafts
from tests.inference.conftest import empty_registry, store
from tests.inference.staged import DECISION, closed, serve
from tests.mlops.staged_nights import score
from tests.tenants.conftest import _fresh_keys_and_allowances
from tests.tenants.households import as_

__all__ = ["_fresh_keys_and_allowances", "empty_registry", "store"]
pytestmark = pytest.mark.django_db
WHY = {"reason": "asked for"}


@pytest.fixture(autouse=True)
def _versions(empty_registry: None, store: Path) -> None:
    serve("first", seed=1)
    draft = drafts.draft("second", drafts.linear(2))
    model_imports.import_version(files=files_of(draft), decision=DECISION)
    replaying._served.cache_clear()


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory(slug="heron")


@pytest.fixture
def manager() -> Client:
    return as_("platform_admin", PlatformFactory())


def nights_of(tenant: Tenant, count: int = 3) -> list[Recording]:
    now = timezone.now().replace(microsecond=0)
    return [closed(tenant, 60, started_at=now - timedelta(days=day + 1)) for day in range(count)]


def asked(tenant: Tenant, *versions: str) -> Replay:
    return replays.request_replay(
        tenant=tenant, versions=versions, nights=Nights(tenant), is_stored=False, actor=ACTOR
    )


def worked_off() -> None:
    while claimed := replaying.claim_nights():
        for replay_id, nights in claimed:
            replaying.work_off(replay_id=replay_id, nights=nights)
    replaying.sum_up()


def replayed(tenant: Tenant, *versions: str) -> Replay:
    replay = asked(tenant, *versions)
    worked_off()
    replay.refresh_from_db()
    return replay


def shown(browser: Client, kind: str, pk: int, query: str = "") -> str:
    answer = browser.get(f"/console/mlops/{kind}/{pk}/change/{query}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def version(name: str) -> ModelVersion:
    return ModelVersion.objects.get(version=name)


def test_a_replay_shows_both_side_by_side_and_draws_what_differs_most(tenant: Tenant) -> None:
    for night in nights_of(tenant):
        score(night, "WLLR" * 15)
    replay = replayed(tenant, "first", "second")

    page = shown(as_("tenant_viewer", tenant), "replay", replay.pk)

    for words in ("first against second", "first against the truth"):
        assert words in page
    assert "cannot be told yet which of the two is better: 3 nights have labels" in page
    # What a page is told must not take the place of what the site tells every page.
    assert 'class="standing"' not in page
    assert "data-live" not in page
    assert page.count("is-hypnogram") == 3 * len(replay.report["most_different"]) > 0
    assert "3 nights: 0 due, 3 done" in page


def test_a_replay_under_way_says_how_far_it_is_and_looks_again(
    tenant: Tenant, manager: Client
) -> None:
    nights_of(tenant)
    replay = asked(tenant, "first", "second")
    (claimed,) = replaying.claim_nights()
    replaying.work_off(replay_id=replay.pk, nights=claimed[1][:1])

    page = shown(as_("tenant_viewer", tenant), "replay", replay.pk)

    assert "3 nights: 2 due, 1 done" in page
    assert f'data-live="/console/mlops/replay/{replay.pk}/change/"' in page
    assert 'value="0.33' in page
    assert "A comparison is under way" in shown(manager, "promotion", version("second").pk)


def test_only_the_most_different_nights_are_kept_epoch_by_epoch(tenant: Tenant) -> None:
    nights_of(tenant, 7)
    replay = replayed(tenant, "first", "second")

    kept = ReplayNight.objects.filter(replay=replay, lines__isnull=False)

    named = {one["night"] for one in replay.report["most_different"]}
    assert len(named) == 5
    assert {str(row.recording.uuid) for row in kept.select_related("recording")} == named
    assert all(len(row.lines["a"]) == 60 for row in kept)


def test_a_replay_is_cancelled_by_those_who_may_and_says_so(tenant: Tenant) -> None:
    nights_of(tenant)
    replay = asked(tenant, "first")
    form = {"pk": replay.pk, **WHY}

    assert as_("tenant_viewer", tenant).post(CANCEL, form).status_code == 403
    answer = as_("tenant_admin", tenant).post(CANCEL, form, follow=True)

    replay.refresh_from_db()
    assert replay.cancelled_at is not None
    assert answer.redirect_chain
    assert "cancelled" in answer.content.decode()
    assert AuditEntry.objects.get(action="replay.cancel").reason == "asked for"


CANCEL = "/console/mlops/replay/action/cancel/"


def test_nobody_elses_replay_is_there(tenant: Tenant) -> None:
    nights_of(tenant)
    replay = replayed(tenant, "first", "second")
    stranger = as_("tenant_admin", TenantFactory())

    assert stranger.get(f"/console/mlops/replay/{replay.pk}/change/").status_code == 302
    page = shown(stranger, "promotion", version("second").pk)
    assert "heron" not in page
    assert "not compared yet" in page
    assert "3 nights of" in shown(as_("tenant_viewer", tenant), "promotion", version("second").pk)


def test_a_promotion_opens_beside_what_serves_with_its_gates(manager: Client) -> None:
    page = shown(manager, "promotion", version("second").pk)

    assert "first serves night." in page
    assert "It has never been judged." in page
    assert page.count("pill is-unknown") == 7
    assert 'aria-current="page">first</a>' in page


def test_a_comparison_is_asked_for_and_stands_on_the_page(manager: Client, tenant: Tenant) -> None:
    nights_of(tenant)
    row = version("second")
    form = {"pk": row.pk, "against": version("first").pk, "tenant": "heron", "days": 30, **WHY}

    answer = manager.post("/console/mlops/promotion/action/compare/", form, follow=True)

    assert "Audit entry" in answer.content.decode()
    worked_off()
    page = shown(manager, "promotion", row.pk)
    assert "second against first" in page
    assert "is-hypnogram" in page
    assert AuditEntry.objects.get(action="replay.request").reason == "asked for"


def test_a_version_with_unmet_gates_serves_by_a_waiver_and_goes_back(manager: Client) -> None:
    row = version("second")
    registry.validate_version(version="second", decision=DECISION)
    form = {"pk": row.pk, **WHY}
    serves = "/console/mlops/promotion/action/serve/"

    refused = manager.post(serves, form, follow=True).content.decode()
    assert "unknown" in refused
    assert Serving.objects.filter(version=row).count() == 0
    manager.post(serves, form | {"waiver": "nothing is labelled yet"})
    assert Serving.objects.filter(version=row).exists()
    assert "A rollback brings first back." in shown(manager, "promotion", row.pk)
    manager.post("/console/mlops/promotion/action/rollback/", form)
    assert not Serving.objects.filter(version=row).exists()


def test_judging_is_asked_for_with_a_reason(manager: Client) -> None:
    row = version("second")

    manager.post("/console/mlops/promotion/action/judge/", {"pk": row.pk, **WHY})

    assert {run.family for run in GateRun.objects.filter(model=row)} == set(row.families)
    assert AuditEntry.objects.filter(action="model.judge", reason="asked for").exists()


@pytest.mark.parametrize("kind", ["promotion", "replay"])
def test_what_a_page_asks_does_not_grow_with_nights(
    manager: Client, tenant: Tenant, kind: str
) -> None:
    asked_for: list[int] = []
    for count in (2, 7):
        nights_of(tenant, count)
        replay = replayed(tenant, "first", "second")
        pk = replay.pk if kind == "replay" else version("first").pk
        query = "" if kind == "replay" else "?against=second"
        shown(manager, kind, pk, query)
        with CaptureQueriesContext(connection) as queries:
            shown(manager, kind, pk, query)
        assert not [one for one in queries if not one["sql"].startswith("SELECT")]
        asked_for.append(len(queries))

    assert asked_for[0] == asked_for[1] <= 18
