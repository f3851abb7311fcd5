"""The life of a key as its client feels it, and the role table as the contract has it."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from prometheus_client import REGISTRY
from pytest_django import DjangoAssertNumQueries

from tenants import keycache
from tenants.keycache import KEYS
from tenants.models import ServiceClient, ServiceClientKey
from tenants.roles import GRANTS, PLATFORM_GRANTS, Capability, Role, granted
from tenants.services import clients, minting, tenants
from tests.factories import ACTOR, KeyFactory, PlatformFactory, TenantFactory, signatory
from tests.tenants.conftest import Ask
from tests.tokens import Signatory

pytestmark = pytest.mark.django_db


def key_of(who: Signatory) -> ServiceClientKey:
    return ServiceClientKey.objects.get(kid=who.kid)


def let_cache_run_out(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Make the cache's clock that much later."""
    monotonic = keycache.time.monotonic
    monkeypatch.setattr(keycache.time, "monotonic", lambda: monotonic() + seconds)


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "EdDSA"])
def test_a_token_of_every_algorithm_tells_who_calls(algorithm: str, whoami: Ask) -> None:
    who = signatory(algorithm=algorithm, client__role="reviewer")

    answer = whoami(who.token()).json()

    assert answer["id"] == who.subject
    assert answer["tenant_id"] == who.tenant
    assert (answer["kind"], answer["role"], answer["kid"]) == ("client", "reviewer", who.kid)


def test_a_minted_token_is_accepted(whoami: Ask) -> None:
    issued = KeyFactory()

    token = minting.mint_token(client=issued.key.client, ttl_s=60)

    assert whoami(token).json()["kid"] == issued.key.kid


def test_a_revoked_key_is_refused_within_five_seconds(
    whoami: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = signatory()
    assert whoami(who.token()).status_code == 200
    clients.revoke_key(key=key_of(who), actor=ACTOR)

    let_cache_run_out(monkeypatch, 5.0)

    assert whoami(who.token()).status_code == 401


def test_a_known_key_is_not_read_again_within_its_lifetime(
    whoami: Ask, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    who = signatory()
    whoami(who.token())

    with django_assert_num_queries(0):
        answer = whoami(who.token())

    assert answer.status_code == 200


def test_no_setting_makes_the_cache_live_longer_than_five_seconds() -> None:
    assert settings.KEY_CACHE_SECONDS <= 5.0


def test_a_key_that_is_refused_is_not_remembered(whoami: Ask) -> None:
    who = signatory()
    clients.set_enabled(client=key_of(who).client, is_enabled=False, actor=ACTOR)
    assert whoami(who.token()).status_code == 401
    clients.set_enabled(client=key_of(who).client, is_enabled=True, actor=ACTOR)

    answer = whoami(who.token())

    assert answer.status_code == 200


def test_a_disabled_client_is_refused_like_a_wrong_token(
    whoami: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = signatory()
    assert whoami(who.token()).status_code == 200
    clients.set_enabled(client=key_of(who).client, is_enabled=False, actor=ACTOR)

    let_cache_run_out(monkeypatch, 5.0)

    assert whoami(who.token()).json()["code"] == "invalid_token"


def test_a_suspended_tenant_is_told_so_and_may_return(
    whoami: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = signatory()
    tenant = key_of(who).tenant
    assert whoami(who.token()).status_code == 200
    tenants.suspend_tenant(tenant=tenant, actor=ACTOR, reason="unpaid")

    let_cache_run_out(monkeypatch, 5.0)
    answer = whoami(who.token())
    tenants.resume_tenant(tenant=tenant, actor=ACTOR, reason="paid")
    KEYS.clear()

    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_suspended")
    assert whoami(who.token()).status_code == 200


def test_a_retiring_key_is_accepted_until_its_end(whoami: Ask) -> None:
    who = signatory()
    client = key_of(who).client

    clients.rotate_key(client=client, overlap=timedelta(hours=1), actor=ACTOR)

    assert key_of(who).state == "retiring"
    assert whoami(who.token()).status_code == 200


def test_a_retiring_key_past_its_end_is_refused_before_any_task_has_run(whoami: Ask) -> None:
    who = signatory()
    clients.rotate_key(client=key_of(who).client, overlap=timedelta(0), actor=ACTOR)

    answer = whoami(who.token())

    assert key_of(who).state == "retiring"
    assert answer.status_code == 401


def test_a_key_that_ends_while_it_is_cached_is_refused_at_once(whoami: Ask) -> None:
    who = signatory(expires_at=timezone.now() + timedelta(hours=1))
    assert whoami(who.token()).status_code == 200
    KEYS.get(who.kid).expires_at = timezone.now()

    answer = whoami(who.token())

    assert answer.status_code == 401


def test_both_keys_of_a_rotation_are_accepted(whoami: Ask) -> None:
    old = signatory()
    client = key_of(old).client

    new = signatory(clients.rotate_key(client=client, overlap=timedelta(hours=1), actor=ACTOR))

    assert [whoami(who.token()).json()["id"] for who in (old, new)] == [str(client.uuid)] * 2


def test_the_last_use_is_noted_once_a_minute(whoami: Ask) -> None:
    who = signatory()
    assert key_of(who).last_used_at is None
    whoami(who.token())
    first = key_of(who).last_used_at

    KEYS.clear()
    whoami(who.token())

    assert first is not None
    assert key_of(who).last_used_at == first


def test_the_last_use_is_noted_anew_after_a_minute(whoami: Ask) -> None:
    who = signatory()
    a_minute_ago = timezone.now() - timedelta(seconds=61)
    ServiceClientKey.objects.filter(kid=who.kid).update(last_used_at=a_minute_ago)

    whoami(who.token())

    assert key_of(who).last_used_at > a_minute_ago + timedelta(seconds=60)


def test_a_forged_token_is_no_use_of_the_key(whoami: Ask) -> None:
    who = signatory()

    whoami(who.token()[:-4] + "AAAA")

    assert key_of(who).last_used_at is None


def test_a_client_of_another_tenant_with_the_same_name_is_another(whoami: Ask) -> None:
    mine, theirs = (signatory(client__name="gateway") for _ in range(2))

    answers = [whoami(who.token()).json() for who in (mine, theirs)]

    assert answers[0]["name"] == answers[1]["name"]
    assert answers[0]["tenant_id"] != answers[1]["tenant_id"]


def test_a_changed_role_is_felt_within_five_seconds(
    whoami: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = signatory(client__role="admin")
    assert "clients.write" in whoami(who.token()).json()["capabilities"]
    ServiceClient.objects.filter(uuid=who.subject).update(role="read")

    let_cache_run_out(monkeypatch, 5.0)

    assert "clients.write" not in whoami(who.token()).json()["capabilities"]


def counted(reason: str) -> float:
    return REGISTRY.get_sample_value("auth_failures_total", {"reason": reason}) or 0.0


COUNTED = {
    "unknown_kid": lambda who: who.headed(kid="k_unknown"),
    "algorithm": lambda who: who.headed(alg="HS512"),
    "signature_or_claims": lambda who: who.token(aud="elsewhere"),
    "expired": lambda who: who.token(exp=1),
    "sub": lambda who: who.token(sub="somebody"),
    "tenant": lambda who: who.token(tenant_id="somewhere"),
    "distant_exp": lambda who: who.token(exp=2**33),
    "operator_token": lambda who: who.sealed({"alg": "HS256"}, who.claims()),
}


@pytest.mark.parametrize(("reason", "forge"), COUNTED.items(), ids=COUNTED)
def test_what_failed_is_counted_once_though_never_told(
    reason: str, forge: Callable[[Signatory], str], whoami: Ask
) -> None:
    before = counted(reason)

    whoami(forge(signatory()))

    assert counted(reason) == before + 1


READ = {
    "devices.read",
    "epochs.read",
    "labels.read",
    "models.read",
    "predict",
    "predictions.read",
    "recordings.read",
    "schemas.read",
    "whoami",
}
# Written out from the contract, so that the table in the code cannot change unnoticed.
MAY = {
    "ingest": {
        "devices.read",
        "devices.write",
        "epochs.read",
        "epochs.write",
        "labels.write",
        "recordings.read",
        "recordings.write",
        "schemas.read",
        "whoami",
    },
    "read": READ,
    "reviewer": READ | {"labels.write", "reviews.write"},
    "ml_ops": READ | {"experiments.write", "models.pin"},
    "admin": {str(capability) for capability in Capability}
    - {"models.promote", "models.waive", "platform", "platform.read"},
}
MAY_BEYOND = {
    "ml_ops": {"models.promote"},
    "admin": {"models.promote", "models.waive", "platform", "platform.read"},
}


def test_every_role_is_in_the_table() -> None:
    assert set(MAY) == {str(role) for role in Role} == {str(role) for role in GRANTS}
    assert set(MAY_BEYOND) == {str(role) for role in PLATFORM_GRANTS}


@pytest.mark.parametrize("role", Role)
def test_a_role_may_what_the_contract_says(role: Role) -> None:
    in_own_tenant = granted(role, is_platform=False)
    in_the_platform = granted(role, is_platform=True)

    assert in_own_tenant == MAY[role]
    assert in_the_platform - in_own_tenant == MAY_BEYOND.get(role, set())


@pytest.mark.parametrize("role", Role)
def test_a_client_is_told_what_its_role_and_tenant_allow(role: Role, whoami: Ask) -> None:
    for tenant in (TenantFactory(), PlatformFactory()):
        who = signatory(client__tenant=tenant, client__role=role)

        answer = whoami(who.token()).json()

        expected = granted(role, is_platform=tenant.is_platform)
        assert answer["capabilities"] == sorted(expected)


def told_of(caplog: pytest.LogCaptureFixture) -> tuple[str, str | None]:
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    (line,) = [line for line in lines if line["event"] == "authentication_failed"]
    caplog.clear()
    return line["reason"], line["kid"]


def test_the_log_names_the_key_of_a_refused_token_if_it_is_one_of_ours(
    whoami: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    who = signatory()
    now = int(time.time())

    whoami(who.token()[:-4] + "AAAA")
    forged = told_of(caplog)
    whoami(who.token(iat=now - 900, exp=now - 600))
    late = told_of(caplog)
    whoami(who.headed(kid="k_nobodys"))
    unknown = told_of(caplog)

    assert forged == ("signature_or_claims", who.kid)
    assert late == ("expired", who.kid)
    assert unknown == ("unknown_kid", None)
