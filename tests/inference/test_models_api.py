"""`/v1/models`: what the registry says to everybody, and the reload for whom it concerns."""

from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries

from inference import serving
from inference.models import Generation
from inference.services import shipped
from tenants.models import AuditEntry
from tests.calling import Calling, calling_as, codes
from tests.factories import ModelVersionFactory, PlatformFactory, TenantFactory
from tests.inference.test_registry import serve, validated

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("store", "shipped_schemas", "empty_registry"),
]


@pytest.fixture
def reader() -> Calling:
    return calling_as("read", TenantFactory())


@pytest.fixture
def ml_ops() -> Calling:
    return calling_as("ml_ops", PlatformFactory())


def test_every_tenant_reads_the_registry(reader: Calling) -> None:
    validated("old", 0)
    validated("new", 1, passes=("night",))
    serve("old")

    listed = reader("GET", "/v1/models").json()["items"]

    assert [(row["version"], row["status"], row["serves"]) for row in listed] == [
        ("new", "validated", []),
        ("old", "production", ["live", "night"]),
    ]
    assert listed[0]["passes"] == ["night"]
    assert listed[0]["metrics"]["kappa"]["low"] == 0.4
    assert listed[0]["labels"] == ["W", "Light", "Deep", "REM"]


def test_one_version_comes_with_provenance_and_history(reader: Calling) -> None:
    validated("old", 0)
    serve("old", "night")

    found = reader("GET", "/v1/models/old").json()

    assert found["training"]["data"][0]["licence"] == "CC0-1.0"
    assert found["card"] == "# A model of a test\n"
    assert [(step["action"], step["to_status"]) for step in found["history"]] == [
        ("import", "candidate"),
        ("validate", "validated"),
        ("serve", "production"),
    ]
    assert "reason" not in found["history"][0]


@pytest.mark.parametrize("version", ["nobody", "..", "old%2Fweights.npy"])
def test_what_the_registry_does_not_know_is_not_there(reader: Calling, version: str) -> None:
    validated("old", 0)

    assert reader("GET", f"/v1/models/{version}").status_code == 404


def test_the_list_costs_the_same_whatever_its_length(
    reader: Calling, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ModelVersionFactory()
    reader("GET", "/v1/models")
    with django_assert_num_queries(3):
        reader("GET", "/v1/models")

    ModelVersionFactory.create_batch(20)
    with django_assert_num_queries(3):
        answer = reader("GET", "/v1/models?limit=20")

    assert len(answer.json()["items"]) == 20
    assert answer.json()["next"]


def test_a_reload_says_which_processes_serve_what(ml_ops: Calling) -> None:
    validated("old", 0)
    serve("old")

    answer = ml_ops("POST", "/v1/models/reload", {"reason": "put right"})

    body = answer.json()
    assert answer.status_code == 200, body
    assert (body["live"], body["night"], body["generation"]) == ("old", "old", 2)
    mine = [row for row in body["processes"] if row["generation"] == 2]
    assert [(row["night"], row["is_current"], row["failures"]) for row in mine] == [
        ("old", True, {})
    ]
    assert serving.current().generation == 2
    entry = AuditEntry.objects.filter(action="model.reload").get()
    assert entry.reason == "put right"


def test_reloading_again_is_the_same(ml_ops: Calling) -> None:
    validated("old", 0)
    serve("old")

    first, second = (ml_ops("POST", "/v1/models/reload") for _ in range(2))

    assert first.status_code == second.status_code == 200
    assert first.json()["night"] == second.json()["night"] == "old"


def test_a_repeated_reload_with_its_key_is_answered_once(ml_ops: Calling) -> None:
    validated("old", 0)
    serve("old")

    answers = [
        ml_ops("POST", "/v1/models/reload", {}, Idempotency_Key="once-and-no-more")
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1]["Idempotency-Replayed"] == "true"
    assert Generation.objects.get().number == 2


def test_a_reload_that_fails_says_so_and_keeps_what_served(ml_ops: Calling, store: Path) -> None:
    validated("old", 0)
    serve("old")
    serving.current()
    (store / "old" / "model.pkl").write_bytes(b"")

    answer = ml_ops("POST", "/v1/models/reload")

    assert (answer.status_code, answer.json()["code"]) == (409, "model_not_loadable")
    assert "artifact_pickle" in answer.json()["detail"]
    assert serving.current().night.version == "old"


def test_a_reload_where_nothing_was_chosen_says_so(ml_ops: Calling) -> None:
    answer = ml_ops("POST", "/v1/models/reload")

    assert (answer.status_code, answer.json()["code"]) == (409, "model_not_loadable")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"version": "old"}, ("/version", "unknown_field")),
        ({"reason": "x" * 501}, ("/reason", "max_length")),
    ],
)
def test_a_bad_body_reloads_nothing(
    ml_ops: Calling, body: object, problem: tuple[str, str]
) -> None:
    validated("old", 0)
    serve("old")

    answer = ml_ops("POST", "/v1/models/reload", body)

    assert answer.status_code == 422
    assert codes(answer) == {problem}
    assert Generation.objects.get().number == 1


@pytest.mark.parametrize("role", ["ml_ops", "admin", "read"])
def test_a_tenant_s_own_people_reload_nothing(role: str) -> None:
    answer = calling_as(role, TenantFactory())("POST", "/v1/models/reload")

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_reload_is_no_version(reader: Calling) -> None:
    assert reader("GET", "/v1/models/reload").status_code == 405


def test_what_ships_has_a_name_that_a_version_may_have() -> None:
    assert len(set(shipped.SHIPPED)) == len(shipped.SHIPPED)
