"""A tenant's pin: its nights are staged by the version that it chose, everybody else's are not."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from inference import refusals, serving
from inference.models import Hypnogram, ModelVersion, Prediction, TenantPin
from inference.services import pins, registry, reloading, staging
from inference.services.model_events import Decision
from inference.services.pins import Place
from inference.serving import board, holder
from noctis import health
from tenants.models import AuditEntry, Tenant
from tests.calling import Calling, calling_as
from tests.factories import ACTOR, PlatformFactory, TenantFactory
from tests.inference.staged import closed, opened, send
from tests.inference.test_registry import brought, serve, serves, statuses, validated
from tests.tenants.households import as_, text

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("store", "shipped_schemas", "empty_registry"),
]
WHY = Decision(ACTOR, "it knows their sensors")
BODY = {"reason": "it knows our sensors", "family": "night"}


@pytest.fixture
def own() -> Tenant:
    """One that will pin, where `old` serves everybody."""
    PlatformFactory()
    validated("old", 0)
    validated("new", 1)
    serve("old")
    serving.refresh()
    return TenantFactory()


@pytest.fixture
def ml_ops(own: Tenant) -> Calling:
    return calling_as("ml_ops", own)


def pin(version: str, tenant: Tenant, *families: str) -> None:
    for family in families or ("night",):
        pins.pin_version(version=version, place=Place(tenant, family), decision=WHY)
    serving.refresh()


def unpin(version: str, tenant: Tenant) -> None:
    pins.unpin_version(version=version, place=Place(tenant, "night"), decision=WHY)
    serving.refresh()


def staged_by(tenant: Tenant) -> str:
    """Which version stages a closed night of the tenant."""
    hypnogram = staging.stage_night(recording_id=closed(tenant).pk)
    assert hypnogram is not None
    return hypnogram.model.version


def staged_live_by(tenant: Tenant) -> str:
    night = opened(tenant)
    send(night, 40)
    assert staging.stage_live(recording_id=night.pk)
    model_id = Prediction.objects.filter(recording_id=night.pk).values_list("model_id", flat=True)[
        0
    ]
    return ModelVersion.objects.get(pk=model_id).version


def test_a_pinned_tenant_is_staged_by_its_version_and_another_is_not(own: Tenant) -> None:
    pin("new", own)

    assert (staged_by(own), staged_by(TenantFactory())) == ("new", "old")
    assert staged_live_by(own) == "old"


def test_the_live_pass_is_pinned_by_itself(own: Tenant) -> None:
    pin("new", own, "live")

    assert (staged_live_by(own), staged_live_by(TenantFactory())) == ("new", "old")
    assert staged_by(own) == "old"


def test_what_is_unpinned_is_served_as_everybody_again(own: Tenant) -> None:
    pin("new", own)
    unpin("new", own)

    assert staged_by(own) == "old"
    with pytest.raises(refusals.NotPinned):
        unpin("new", own)


def test_a_question_is_answered_by_the_pinned_version(own: Tenant) -> None:
    pin("new", own, "live")
    answers = {}
    for tenant in (own, TenantFactory()):
        night = opened(tenant)
        send(night, 40)
        asked = {"recording_id": str(night.uuid)}
        answer = calling_as("read", tenant)("POST", "/v1/predict", asked).json()
        answers[tenant.pk] = answer["model_version"]

    assert [*answers.values()] == ["new", "old"]


def test_who_serves_a_tenant_costs_no_query(
    own: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    pin("new", own)

    with django_assert_num_queries(0):
        assert serving.current().seen_by(own.pk).night.version == "new"
        assert serving.current().seen_by(own.pk + 1).night.version == "old"


def test_a_promotion_leaves_the_pin(own: Tenant) -> None:
    pin("old", own, "live", "night")

    serve("new")
    serving.refresh()

    assert statuses() == {"old": "archived", "new": "production"}
    assert (staged_by(own), staged_by(TenantFactory())) == ("old", "new")


def test_pinning_is_asked_for_and_told(ml_ops: Calling, own: Tenant) -> None:
    answer = ml_ops("POST", "/v1/models/new/pin", BODY)
    again = ml_ops("POST", "/v1/models/new/pin", BODY)

    assert (answer.status_code, answer.json()["pinned"]) == (200, ["night"])
    assert again.json() == answer.json()
    assert serving.current().seen_by(own.pk).night.version == "new"
    listed = {row["version"]: row["pinned"] for row in ml_ops("GET", "/v1/models").json()["items"]}
    assert listed == {"new": ["night"], "old": []}
    assert ml_ops("GET", "/v1/models/new").json()["pinned"] == ["night"]
    stranger = calling_as("admin", TenantFactory())
    assert stranger("GET", "/v1/models/new").json()["pinned"] == []
    entry = AuditEntry.objects.get(action="model.pin")
    assert (entry.tenant, entry.reason) == (own, "it knows our sensors")
    assert entry.after == {"family": "night", "version": "new"}


def test_unpinning_is_asked_for_and_told(ml_ops: Calling, own: Tenant) -> None:
    ml_ops("POST", "/v1/models/new/pin", BODY)

    of_another = calling_as("admin", TenantFactory())("POST", "/v1/models/new/unpin", BODY)
    answer = ml_ops("POST", "/v1/models/new/unpin", BODY)

    assert (of_another.status_code, of_another.json()["code"]) == (409, "model_not_pinned")
    assert (answer.status_code, answer.json()["pinned"]) == (200, [])
    assert AuditEntry.objects.get(action="model.unpin").tenant == own
    assert serving.current().seen_by(own.pk).night.version == "old"


def test_another_pin_takes_the_place_of_the_first(own: Tenant) -> None:
    pin("old", own)
    pin("new", own)

    assert TenantPin.objects.get().version.version == "new"
    entry = AuditEntry.objects.filter(action="model.pin").latest("pk")
    assert (entry.before["version"], entry.after["version"]) == ("old", "new")


@pytest.mark.parametrize("action", ["pin", "unpin"])
@pytest.mark.parametrize("role", ["read", "reviewer", "ingest"])
def test_others_pin_nothing(own: Tenant, role: str, action: str) -> None:
    answer = calling_as(role, own)("POST", f"/v1/models/new/{action}", BODY)

    assert answer.status_code == 403
    assert not TenantPin.objects.exists()


def test_what_is_not_there_is_not_pinned(ml_ops: Calling) -> None:
    assert ml_ops("POST", "/v1/models/nobody/pin", BODY).status_code == 404
    assert ml_ops("POST", "/v1/models/new/pin", BODY | {"family": "day"}).status_code == 422
    assert ml_ops("POST", "/v1/models/new/pin", {"family": "night"}).status_code == 422


def test_only_what_may_serve_is_pinned(ml_ops: Calling, store: Path) -> None:
    brought("raw", 2)
    validated("by-day", 3, passes=("live",))
    (store / "new" / "bias.npy").write_bytes(b"broken")

    answers = [ml_ops("POST", f"/v1/models/{name}/pin", BODY) for name in ("raw", "by-day", "new")]

    codes = [answer.json()["code"] for answer in answers]
    assert codes[:2] == ["model_not_validated", "pass_not_offered"]
    assert codes[2].startswith("artifact_")
    assert not TenantPin.objects.exists()


def test_the_environment_wins_over_all(ml_ops: Calling, own: Tenant, settings: Settings) -> None:
    pin("new", own)
    settings.ACTIVE_MODEL_VERSION = "old"
    serving.refresh()

    answer = ml_ops("POST", "/v1/models/new/pin", BODY)

    assert (answer.status_code, answer.json()["code"]) == (409, "pinned_by_environment")
    assert staged_by(own) == "old"


@pytest.mark.parametrize("action", ["archive", "reject"])
def test_what_a_tenant_pins_is_not_put_aside(own: Tenant, action: str) -> None:
    pin("new", own)
    platform = calling_as("ml_ops", PlatformFactory())

    answer = platform("POST", f"/v1/models/new/{action}", {"reason": "old"})

    assert (answer.status_code, answer.json()["code"]) == (409, "pinned_by_tenant")
    assert own.slug in answer.json()["detail"]
    assert statuses()["new"] == "validated"
    unpin("new", own)
    assert platform("POST", f"/v1/models/new/{action}", {"reason": "old"}).status_code == 200


def test_a_pin_that_cannot_be_loaded_fails_its_tenant_alone(own: Tenant, store: Path) -> None:
    pin("new", own)
    weights = store / "new" / "weights.npy"
    sound = weights.read_bytes()
    weights.write_bytes(bytes(len(sound)))
    holder.forget()

    now = serving.refresh()

    assert (now.is_ready, health.model(), now.codes) == (True, "ok", ["artifact_wrong_hash"])
    with pytest.raises(refusals.ModelUnavailable):
        staging.stage_night(recording_id=closed(own).pk)
    assert not Hypnogram.objects.exists()
    assert staged_by(TenantFactory()) == "old"
    (told,) = [row for row in reloading.reload_models(decision=WHY).behind if is_mine(row)]
    assert told.failures == {"pin:new": "artifact_wrong_hash"}

    weights.write_bytes(sound)
    assert not any(map(is_mine, reloading.reload_models(decision=WHY).behind))
    assert staged_by(own) == "new"


def is_mine(row: board.Report) -> bool:
    return row.process == board.process_name()


def test_a_pin_that_fails_later_keeps_the_same_version(own: Tenant, store: Path) -> None:
    pin("new", own)
    (store / "new" / "weights.npy").write_bytes(b"broken")

    serving.refresh()

    assert staged_by(own) == "new"


def test_a_command_pins_and_unpins(own: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["new", "--tenant", own.slug, "--family", "night", "--reason", "asked by them"]

    call_command("model", "pin", *place)
    assert pins.pinned_by(own) == {registry.version_named("new").pk: ["night"]}
    call_command("model", "unpin", *place)

    assert own.slug in capsys.readouterr().out
    assert pins.pinned_by(own) == {}
    assert AuditEntry.objects.filter(tenant=own, reason="asked by them").count() == 2
    with pytest.raises(CommandError, match="nobody"):
        call_command("model", "pin", *["nobody" if part == own.slug else part for part in place])


def act(browser: Client, page: str, pk: int, **answers: str) -> object:
    url = f"/console/{page}/action/{'unpin' if 'pin' in page else 'pin'}/"
    return browser.post(url, {"pk": pk, "reason": "asked by them", **answers}, follow=True)


def test_the_console_pins_shows_and_unpins(own: Tenant) -> None:
    manager = as_("model_manager", own)

    act(manager, "tenants/tenant", own.pk, version="new", family="night")
    shown = text(manager.get(f"/console/tenants/tenant/{own.pk}/change/"))
    new = registry.version_named("new")
    of_version = manager.get(f"/console/inference/modelversion/{new.pk}/change/").content.decode()
    listed = text(manager.get("/console/inference/tenantpin/?q=new"))

    assert "live: old, as everybody; night: new, its own choice" in shown
    assert "inference/tenantpin/?q=new" in of_version
    assert own.name in listed
    act(manager, "inference/tenantpin", TenantPin.objects.get().pk)
    assert not TenantPin.objects.exists()
    assert serves() == {"live": "old", "night": "old"}


def test_a_stranger_sees_no_pin_of_others(own: Tenant) -> None:
    pin("new", own)
    stranger = as_("model_manager", TenantFactory())
    pk = TenantPin.objects.get().pk

    assert own.name not in text(stranger.get("/console/inference/tenantpin/"))
    act(stranger, "inference/tenantpin", pk)
    assert TenantPin.objects.filter(pk=pk).exists()
