"""`/v1/models/{version}/validate` and so on: who may decide what, and what is refused."""

from pathlib import Path

import pytest

from inference import serving
from inference.models import ModelEvent, ModelVersion, Serving
from tenants.models import AuditEntry
from tests.calling import Calling, calling_as, codes
from tests.factories import PlatformFactory, TenantFactory
from tests.inference.test_registry import brought, serve, serves, statuses, validated
from tests.mlops.judged import judge, report

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("store", "shipped_schemas", "empty_registry"),
]
WHY = {"reason": "it is better"}


@pytest.fixture
def ml_ops() -> Calling:
    return calling_as("ml_ops", PlatformFactory())


def test_a_candidate_is_validated_promoted_and_serves(ml_ops: Calling) -> None:
    brought("new")

    validated_ = ml_ops("POST", "/v1/models/new/validate", WHY)
    judge("new")
    promoted = ml_ops("POST", "/v1/models/new/promote", WHY)

    assert (validated_.status_code, validated_.json()["status"]) == (200, "validated")
    body = promoted.json()
    assert (body["status"], body["serves"]) == ("production", ["live", "night"])
    assert [row["is_current"] for row in body["processes"]] == [True] * len(body["processes"])
    assert serving.current().night.version == "new"
    entry = AuditEntry.objects.filter(action="model.serve").first()
    assert entry is not None
    assert entry.reason == "it is better"


def test_one_family_can_be_promoted_alone(ml_ops: Calling) -> None:
    validated("old", 0)
    validated("new", 1)
    serve("old")
    judge("new")

    ml_ops("POST", "/v1/models/new/promote", WHY | {"families": ["night"]})

    assert serves() == {"live": "old", "night": "new"}
    assert statuses() == {"old": "production", "new": "production"}


def test_promoting_again_changes_nothing(ml_ops: Calling) -> None:
    validated("new")
    judge("new")
    ml_ops("POST", "/v1/models/new/promote", WHY)
    events = ModelEvent.objects.count()

    again = ml_ops("POST", "/v1/models/new/promote", WHY)

    assert again.status_code == 200
    assert ModelEvent.objects.count() == events


def test_a_rollback_brings_back_what_served(ml_ops: Calling) -> None:
    validated("old", 0)
    validated("new", 1)
    serve("old")
    serve("new")

    answer = ml_ops("POST", "/v1/models/new/rollback", WHY)

    assert (answer.status_code, answer.json()["status"]) == (200, "archived")
    assert serves() == {"live": "old", "night": "old"}
    assert serving.current().night.version == "old"


@pytest.mark.parametrize(("version", "body"), [("old", {}), ("new", {"families": ["live"]})])
def test_only_what_serves_gives_way(ml_ops: Calling, version: str, body: dict[str, object]) -> None:
    validated("old", 0)
    validated("new", 1)
    validated("newest", 2)
    serve("new")
    serve("newest", "live")

    answer = ml_ops("POST", f"/v1/models/{version}/rollback", WHY | body)

    assert (answer.status_code, answer.json()["code"]) == (409, "model_not_serving")
    assert serves() == {"live": "newest", "night": "new"}


def test_the_first_has_nothing_to_give_way_to(ml_ops: Calling) -> None:
    validated("old")
    serve("old")

    answer = ml_ops("POST", "/v1/models/old/rollback", WHY)

    assert answer.json()["code"] == "nothing_to_roll_back_to"


@pytest.mark.parametrize(("action", "status"), [("archive", "archived"), ("reject", "rejected")])
def test_a_version_that_does_not_serve_is_put_aside(
    ml_ops: Calling, action: str, status: str
) -> None:
    brought("new")

    answers = [ml_ops("POST", f"/v1/models/new/{action}", WHY) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert statuses() == {"new": status}
    assert ModelEvent.objects.filter(action=action).count() == 1


@pytest.mark.parametrize("action", ["archive", "reject"])
def test_what_serves_is_not_put_aside(ml_ops: Calling, action: str) -> None:
    validated("old")
    serve("old")

    answer = ml_ops("POST", f"/v1/models/old/{action}", WHY)

    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
    assert statuses() == {"old": "production"}


def test_a_candidate_is_not_promoted(ml_ops: Calling) -> None:
    brought("new")

    answer = ml_ops("POST", "/v1/models/new/promote", WHY)

    assert answer.status_code == 409
    assert serves() == {}


def test_a_version_that_nobody_judged_is_not_promoted(ml_ops: Calling) -> None:
    validated("new")

    answer = ml_ops("POST", "/v1/models/new/promote", WHY)

    assert (answer.status_code, answer.json()["code"]) == (409, "gates_unmet")
    assert serves() == {}
    assert statuses() == {"new": "validated"}


def test_a_version_that_failed_a_gate_is_not_promoted(ml_ops: Calling) -> None:
    validated("new")
    judge("new", report(kappa=0.1))

    answer = ml_ops("POST", "/v1/models/new/promote", WHY)

    assert answer.json()["code"] == "gates_unmet"
    assert "kappa is fail" in answer.json()["detail"]


def test_an_administrator_waives_gates_and_says_why() -> None:
    validated("new")
    admin = calling_as("admin", PlatformFactory())

    answer = admin("POST", "/v1/models/new/promote", WHY | {"waiver": "nothing to judge by yet"})

    assert answer.status_code == 200
    assert serves() == {"live": "new", "night": "new"}
    event = ModelEvent.objects.filter(action="serve", family="night").get()
    assert event.waiver == "nothing to judge by yet"
    assert "night kappa" in event.waived
    entry = AuditEntry.objects.filter(action="model.serve").first()
    assert entry.after["waiver"] == "nothing to judge by yet"


def test_a_waiver_that_was_not_needed_is_no_part_of_the_history() -> None:
    validated("new")
    judge("new")
    admin = calling_as("admin", PlatformFactory())

    admin("POST", "/v1/models/new/promote", WHY | {"waiver": "just in case"})

    assert {*ModelEvent.objects.values_list("waiver", flat=True)} == {""}


def test_whoever_only_promotes_waives_nothing(ml_ops: Calling) -> None:
    validated("new")

    answer = ml_ops("POST", "/v1/models/new/promote", WHY | {"waiver": "it is fine"})

    assert answer.status_code == 403
    assert serves() == {}


def test_a_version_of_which_nothing_is_known_is_not_validated(ml_ops: Calling) -> None:
    brought("new", metrics={})

    answer = ml_ops("POST", "/v1/models/new/validate", WHY)

    assert (answer.status_code, answer.json()["code"]) == (409, "evaluation_missing")
    assert statuses() == {"new": "candidate"}


def test_what_was_judged_here_is_validated_whatever_its_manifest_says(ml_ops: Calling) -> None:
    brought("new", metrics={})
    judge("new")

    assert ml_ops("POST", "/v1/models/new/validate", WHY).status_code == 200


def test_a_version_whose_bytes_changed_is_not_promoted(ml_ops: Calling, store: Path) -> None:
    validated("old", 0)
    validated("new", 1)
    serve("old")
    (store / "new" / "bias.npy").write_bytes(b"broken")

    answer = ml_ops("POST", "/v1/models/new/promote", WHY)

    assert 400 <= answer.status_code < 500
    assert serves() == {"live": "old", "night": "old"}


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " "}, {"reason": 7.5, "who": 1}])
def test_a_decision_has_a_reason_and_nothing_else(ml_ops: Calling, body: dict[str, object]) -> None:
    brought("new")

    answer = ml_ops("POST", "/v1/models/new/validate", body)

    assert answer.status_code == 422
    assert codes(answer)
    assert statuses() == {"new": "candidate"}


@pytest.mark.parametrize("families", [[], ["day"], ["live", "live", "night"]])
def test_families_are_those_there_are(ml_ops: Calling, families: list[str]) -> None:
    validated("new")

    answer = ml_ops("POST", "/v1/models/new/promote", WHY | {"families": families})

    assert answer.status_code == 422
    assert not Serving.objects.exists()


@pytest.mark.parametrize(
    ("role", "of_platform"), [("admin", False), ("ml_ops", False), ("read", True), ("ingest", True)]
)
def test_others_decide_nothing(role: str, of_platform: bool) -> None:
    platform = PlatformFactory()
    validated("new")
    caller = calling_as(role, platform if of_platform else TenantFactory())

    answer = caller("POST", "/v1/models/new/promote", WHY)

    assert answer.status_code == 403
    assert not Serving.objects.exists()


def test_a_version_that_is_not_there_is_not_there(ml_ops: Calling) -> None:
    answer = ml_ops("POST", "/v1/models/nobody/validate", WHY)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert not ModelVersion.objects.exists()
