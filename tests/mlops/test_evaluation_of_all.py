"""`/v1/model/evaluation/global`: whose nights, of which version, of when; what they add up to."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import numpy as np
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from sklearn.metrics import cohen_kappa_score

from inference.models import ModelVersion
from tenants.models import Tenant
from tests.factories import (
    PlatformFactory,
    ServiceClientFactory,
    TenantFactory,
    signatory,
)
from tests.mlops.staged_nights import FOUR, score, stage, version_of
from tests.recordings.conftest import _fresh_keys_and_allowances, _shipped_schemas
from tests.recordings.nights import night_of
from tests.tokens import Signatory

__all__ = ["_fresh_keys_and_allowances", "_shipped_schemas"]
pytestmark = pytest.mark.django_db
Ask = Callable[..., HttpResponse]
PAIRS = (("WWLLL33RRW", "WLLLL3LRRW"), ("WLL333RRLL", "WWL33LRRLR"), ("LLLLRRRWWW", "LLLLRRLWWL"))

SECONDS = count()


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


@pytest.fixture
def model() -> ModelVersion:
    return version_of(FOUR)


@pytest.fixture
def ask(client: Client, tenant: Tenant, model: ModelVersion) -> Ask:
    reader = signatory(client=ServiceClientFactory(tenant=tenant, role="read"))

    def call(query: str = "", *, who: Signatory = reader) -> HttpResponse:
        path = f"/v1/model/evaluation/global?model_version={model.version}{query}"
        return client.get(path, headers={"Authorization": f"Bearer {who.token()}"})

    return call


def staged(tenant: Tenant, model: ModelVersion, pairs: tuple[tuple[str, str], ...]) -> None:
    """Nights one, eleven, twenty-one … days ago, scored and staged."""
    now = timezone.now().replace(microsecond=0) - timedelta(seconds=next(SECONDS))
    for place, (truth, given) in enumerate(pairs):
        started_at = now - timedelta(days=1 + 10 * place)
        recording = night_of(tenant, started_at)
        score(recording, truth)
        stage(recording, given, model)


def test_all_scored_nights_of_the_version_add_up(
    ask: Ask, tenant: Tenant, model: ModelVersion
) -> None:
    staged(tenant, model, PAIRS)

    body = ask().json()

    truth, given = ("".join(side) for side in zip(*PAIRS, strict=True))
    assert body["nights"] == 3
    assert body["compared_epochs"] == 30
    assert body["kappa"] == pytest.approx(cohen_kappa_score(list(truth), list(given)))
    assert np.sum(body["confusion"]) == 30
    assert body["expected_calibration_error"] is not None
    low, high = body["intervals"]["kappa"]
    assert low < body["kappa"] < high
    assert body["statistics"]["total_sleep_time_min"]["nights"] == 3
    assert body["model_version"] == model.version


def test_the_last_seven_days_stand_beside_the_whole(
    ask: Ask, tenant: Tenant, model: ModelVersion
) -> None:
    staged(tenant, model, PAIRS)

    body = ask().json()

    assert body["rolling_7_days"]["nights"] == 1
    alone = cohen_kappa_score(list(PAIRS[0][0]), list(PAIRS[0][1]))
    assert body["rolling_7_days"]["kappa"] == pytest.approx(alone)


def test_a_range_takes_the_nights_that_began_in_it(
    ask: Ask, tenant: Tenant, model: ModelVersion
) -> None:
    staged(tenant, model, PAIRS)
    now = timezone.now()
    between = [(now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ") for days in (15, 5)]

    body = ask(f"&from={between[0]}&to={between[1]}").json()

    assert body["nights"] == 1
    assert body["rolling_7_days"]["nights"] == 1


def test_where_nobody_scored_there_is_nothing_to_say(ask: Ask) -> None:
    body = ask().json()

    assert body["nights"] == 0
    assert body["kappa"] is None
    assert body["rolling_7_days"]["accuracy"] is None


def test_nights_of_strangers_and_of_other_versions_do_not_count(
    ask: Ask, tenant: Tenant, model: ModelVersion
) -> None:
    staged(TenantFactory(), model, PAIRS)
    staged(tenant, version_of(FOUR), PAIRS)

    assert ask().json()["nights"] == 0


def test_whoever_runs_the_platform_sees_one_tenant_or_all(
    ask: Ask, tenant: Tenant, model: ModelVersion
) -> None:
    staged(tenant, model, PAIRS[:2])
    staged(TenantFactory(), model, PAIRS[2:])
    platform = signatory(client=ServiceClientFactory(tenant=PlatformFactory(), role="admin"))

    own, one, every = (
        ask(query, who=platform).json()["nights"]
        for query in ("", f"&tenant={tenant.slug}", "&tenant=all")
    )

    assert (own, one, every) == (0, 2, 3)
    assert ask("&tenant=nobody", who=platform).status_code == 404


def test_nobody_else_may_name_a_tenant(ask: Ask, tenant: Tenant) -> None:
    for slug in ("all", tenant.slug, "nobody"):
        assert ask(f"&tenant={slug}").status_code == 403


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("&from=yesterday", 422),
        ("&from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", 422),
        ("&from=2020-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", 422),
        ("&to=0001-01-01T00:00:00Z", 422),
        ("&from=0001-01-01T00:00:00Z&to=0001-01-03T00:00:00Z", 422),
        ("&limit=3", 422),
    ],
)
def test_a_bad_question_is_refused_whole(ask: Ask, query: str, status: int) -> None:
    assert ask(query).status_code == status


def test_a_version_that_is_not_there_is_not_found(
    client: Client, tenant: Tenant, model: ModelVersion
) -> None:
    reader = signatory(client=ServiceClientFactory(tenant=tenant, role="read"))

    answer = client.get(
        "/v1/model/evaluation/global?model_version=none-such",
        headers={"Authorization": f"Bearer {reader.token()}"},
    )

    assert answer.status_code == 404


def test_only_roles_that_read_predictions_may_ask(ask: Ask, tenant: Tenant) -> None:
    sender = signatory(client=ServiceClientFactory(tenant=tenant, role="ingest"))

    assert ask(who=sender).status_code == 403


def test_it_asks_no_more_of_the_database_for_more_nights(
    ask: Ask, tenant: Tenant, model: ModelVersion
) -> None:
    staged(tenant, model, PAIRS[:1])
    with CaptureQueriesContext(connection) as first:
        ask()
    staged(tenant, model, PAIRS)
    with CaptureQueriesContext(connection) as then:
        ask()

    assert 0 < len(then) <= len(first)
