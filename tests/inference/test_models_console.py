"""The console's page of models: what it shows, and who lets what serve."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from inference.admin import model_sheets
from inference.models import ModelEvent, Serving
from inference.services import registry
from tenants.models import AuditEntry, Tenant
from tests.factories import ModelVersionFactory, PlatformFactory, TenantFactory
from tests.inference.test_registry import serve, validated
from tests.mlops.judged import judge
from tests.tenants.households import as_, text

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("store", "shipped_schemas", "empty_registry"),
]
MODELS = "/console/inference/modelversion/"
GOOD = {"reason": "Better by night."}


@pytest.fixture
def platform() -> Tenant:
    return PlatformFactory()


@pytest.fixture
def manager(platform: Tenant) -> Client:
    return as_("model_manager", platform)


def serves() -> dict[str, str]:
    return dict(Serving.objects.values_list("family", "version__version"))


def act(browser: Client, name: str, version: str, **answers: str) -> object:
    pk = registry.version_named(version).pk
    return browser.post(f"{MODELS}action/{name}/", {"pk": pk, **GOOD, **answers}, follow=True)


def test_the_list_and_a_version_show_what_is_known(manager: Client) -> None:
    validated("old", 0)
    serve("old", "night")

    listed = text(manager.get(MODELS))
    shown = text(manager.get(f"{MODELS}{registry.version_named('old').pk}/change/"))

    assert "old" in listed
    assert "night" in listed
    for known in ("A model of a test", "kappa", "0.4", "CC0-1.0", "1 before, 1 after", "import"):
        assert known in shown, known


def test_the_list_costs_the_same_whatever_its_length(manager: Client) -> None:
    ModelVersionFactory()
    manager.get(MODELS)
    with CaptureQueriesContext(
        connection,
    ) as few:
        manager.get(MODELS)
    ModelVersionFactory.create_batch(20)

    with CaptureQueriesContext(connection) as many:
        manager.get(MODELS)

    assert len(many) == len(few)


def test_a_version_is_validated_served_and_taken_back(manager: Client) -> None:
    validated("old", 0)
    serve("old")
    validated("new", 1)
    judge("new")

    act(manager, "serve", "new")
    served = serves()
    act(manager, "rollback", "new")

    assert served == {"live": "new", "night": "new"}
    assert serves() == {"live": "old", "night": "old"}
    event = ModelEvent.objects.filter(action="rollback").first()
    assert (event.reason, event.actor.split()[0]) == (GOOD["reason"], "operator")
    assert AuditEntry.objects.filter(action="model.rollback", channel="console").exists()


def test_what_cannot_be_done_is_said_and_not_done(manager: Client) -> None:
    validated("old", 0)
    serve("old")

    told = text(act(manager, "rollback", "old"))

    assert "Nothing served before it" in told
    assert serves() == {"live": "old", "night": "old"}


def test_while_pinned_the_console_says_so(manager: Client, settings: Settings) -> None:
    validated("old", 0)
    serve("old")
    validated("new", 1)
    settings.ACTIVE_MODEL_VERSION = "old"

    told = text(act(manager, "serve", "new"))
    shown = text(manager.get(f"{MODELS}{registry.version_named('new').pk}/change/"))

    assert "pins live to old, night to old" in told
    assert "pins live to old, night to old" in shown
    assert serves() == {"live": "old", "night": "old"}


def test_a_rejection_is_confirmed_by_its_name(manager: Client) -> None:
    validated("new", 1)

    act(manager, "reject", "new")
    unconfirmed = registry.version_named("new").status
    act(manager, "reject", "new", confirmation="reject")

    assert (unconfirmed, registry.version_named("new").status) == ("validated", "rejected")


@pytest.mark.parametrize("name", ["validate", "serve", "rollback", "reject"])
@pytest.mark.parametrize("role", ["tenant_admin", "model_manager", "tenant_viewer"])
def test_a_tenant_s_own_people_only_look(platform: Tenant, role: str, name: str) -> None:
    validated("old", 0)
    browser = as_(role, TenantFactory())

    seen = browser.get(MODELS)
    answer = act(browser, name, "old")

    assert "old" in text(seen)
    assert answer.status_code == 403
    assert serves() == {}
    assert registry.version_named("old").status == "validated"


def test_of_long_lists_a_page_shows_the_first_and_how_many_more() -> None:
    shown = model_sheets.listed({"contents": [f"mark-{place}" for place in range(37)]})

    assert "mark-7; and 29 more" in shown
    assert "mark-8" not in shown
    assert "more" not in model_sheets.listed(["a", "b"])
