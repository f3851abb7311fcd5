"""`/v1/replays`: asked for, watched, cancelled; by whom, and about whose nights."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mlops.models import Replay
from mlops.services import replaying
from tenants.models import AuditEntry, Tenant
from tests.calling import Calling, calling_as
from tests.factories import TenantFactory
from tests.inference.conftest import empty_registry, store
from tests.mlops.test_replays import BOTH, _versions, done, nights_of, requested, worked_off

__all__ = ["_versions", "empty_registry", "store"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


@pytest.fixture
def ml_ops(tenant: Tenant) -> Calling:
    return calling_as("ml_ops", tenant)


def test_a_cancelled_replay_keeps_what_was_done(tenant: Tenant, ml_ops: Calling) -> None:
    nights_of(tenant)
    replay = requested(tenant)
    night = replay.members.first()
    replaying.work_off(replay_id=replay.pk, nights=[night.pk])

    answers = [ml_ops("POST", f"/v1/replays/{replay.uuid}:cancel", {}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    body = answers[0].json()
    assert (body["status"], body["report"]["nights"]) == ("cancelled", 1)
    assert replaying.claim_nights() == []
    assert replaying.work_off(replay_id=replay.pk, nights=[night.pk]) == 0
    assert AuditEntry.objects.filter(action="replay.cancel").count() == 1


def test_what_has_ended_is_not_cancelled(tenant: Tenant, ml_ops: Calling) -> None:
    nights_of(tenant, 1)
    replay = requested(tenant)
    done(replay)

    answer = ml_ops("POST", f"/v1/replays/{replay.uuid}:cancel", {})

    assert (answer.status_code, answer.json()["code"]) == (409, "replay_ended")


def test_the_api_walks_from_the_question_to_the_report(tenant: Tenant, ml_ops: Calling) -> None:
    nights_of(tenant)

    asked = ml_ops("POST", "/v1/replays", {"model_versions": BOTH})
    at = asked.headers["Location"]
    waiting = ml_ops("GET", at).json()
    worked_off()
    seen = ml_ops("GET", at).json()

    assert (asked.status_code, asked.json()["status"]) == (201, "queued")
    assert (waiting["standing"]["due"], waiting["report"], waiting["progress"]) == (3, None, 0)
    assert (seen["status"], seen["progress"], seen["report"]["nights"]) == ("done", 1, 3)
    assert [row["id"] for row in ml_ops("GET", "/v1/replays").json()["items"]] == [seen["id"]]


def test_nights_are_named_or_of_a_range(tenant: Tenant, ml_ops: Calling) -> None:
    nights = nights_of(tenant)
    from_ = (timezone.now() - timedelta(days=2, hours=12)).strftime("%Y-%m-%dT%H:%M:%SZ")

    named = ml_ops(
        "POST", "/v1/replays", {"model_versions": BOTH, "recordings": [str(nights[0].uuid)]}
    )
    ranged = ml_ops("POST", "/v1/replays", {"model_versions": BOTH, "from": from_})

    assert (named.json()["nights"], ranged.json()["nights"]) == (1, 2)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model_versions": []}, 422, "validation_error"),
        ({"model_versions": ["first", "first"]}, 422, "validation_error"),
        ({"model_versions": ["first", "second", "x"]}, 422, "validation_error"),
        ({"model_versions": ["nobody"]}, 404, "model_not_found"),
        ({"model_versions": ["first"], "recordings": []}, 422, "validation_error"),
        ({"model_versions": ["first"], "nights": 3}, 422, "validation_error"),
        ({}, 422, "validation_error"),
    ],
)
def test_a_bad_question_asks_for_nothing(
    tenant: Tenant, ml_ops: Calling, body: dict[str, Any], status: int, code: str
) -> None:
    nights_of(tenant, 1)

    answer = ml_ops("POST", "/v1/replays", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Replay.objects.exists()


def test_nights_of_a_stranger_are_not_there(tenant: Tenant, ml_ops: Calling) -> None:
    theirs = nights_of(TenantFactory(), 1)[0]

    answer = ml_ops(
        "POST", "/v1/replays", {"model_versions": BOTH, "recordings": [str(theirs.uuid)]}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_replay")


def test_a_stranger_s_replay_is_not_there(tenant: Tenant) -> None:
    nights_of(tenant, 1)
    replay = requested(tenant)
    stranger = calling_as("admin", TenantFactory())

    assert stranger("GET", f"/v1/replays/{replay.uuid}").status_code == 404
    assert stranger("POST", f"/v1/replays/{replay.uuid}:cancel", {}).status_code == 404


@pytest.mark.parametrize("role", ["read", "reviewer", "ingest"])
def test_others_ask_for_no_replay(tenant: Tenant, role: str) -> None:
    answer = calling_as(role, tenant)("POST", "/v1/replays", {"model_versions": BOTH})

    assert answer.status_code == 403


def test_the_list_costs_the_same_whatever_its_length(tenant: Tenant, ml_ops: Calling) -> None:
    nights_of(tenant, 1)
    requested(tenant)
    ml_ops("GET", "/v1/replays")
    with CaptureQueriesContext(connection) as few:
        ml_ops("GET", "/v1/replays")
    for _ in range(5):
        requested(tenant)

    with CaptureQueriesContext(connection) as many:
        ml_ops("GET", "/v1/replays")

    assert len(few) == len(many)
