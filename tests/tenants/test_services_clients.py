"""Service clients and the life of their keys, by the services that change them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import jwt
import pytest
from django.db import connection
from django.utils import timezone

from noctis import errors, keyring
from tenants import keycache
from tenants.models import AuditEntry, ServiceClient, ServiceClientKey
from tenants.services import clients, minting
from tenants.services.clients import KeyRequest
from tests import tokens
from tests.factories import ACTOR, KeyFactory, ServiceClientFactory, TenantFactory

DAY = timedelta(days=1)


@pytest.fixture
def client(db: None) -> ServiceClient:
    return ServiceClientFactory()


def state(issued: clients.IssuedKey) -> tuple[str, datetime | None]:
    issued.key.refresh_from_db()
    return issued.key.state, issued.key.expires_at


def told(client: ServiceClient) -> list[str]:
    owned = AuditEntry.objects.owned_by(client.tenant).order_by("sequence")
    return list(owned.values_list("action", flat=True))


# Made.


def test_a_new_client_comes_with_one_key_whose_secret_is_sealed_in_its_row(db: None) -> None:
    tenant = TenantFactory()

    client, issued = clients.create_client(tenant=tenant, name="gate", role="ingest", actor=ACTOR)

    row = ServiceClientKey.objects.get(client=client)
    assert (row.kid, row.state, row.algorithm) == (issued.key.kid, "active", "HS256")
    assert issued.secret
    assert len(issued.secret) >= 48
    assert issued.secret not in row.material
    assert keyring.decrypt(row.material).decode() == issued.secret
    assert told(client) == ["client.create", "key.issue"]


def test_a_taken_name_is_refused_and_nothing_is_written(client: ServiceClient) -> None:
    with pytest.raises(clients.NameTaken, match=client.name):
        clients.create_client(tenant=client.tenant, name=client.name, role="read", actor=ACTOR)

    assert ServiceClient.objects.count() == 1
    assert told(client) == []


def test_two_tenants_may_use_one_name(client: ServiceClient) -> None:
    other, _ = clients.create_client(
        tenant=TenantFactory(), name=client.name, role="read", actor=ACTOR
    )

    assert other.name == client.name


@pytest.mark.parametrize(
    ("name", "role", "pointer"),
    [("", "read", "/name"), ("x" * 121, "read", "/name"), ("gate", "boss", "/role")],
)
def test_a_client_that_cannot_be_is_refused_by_field(
    db: None, name: str, role: str, pointer: str
) -> None:
    with pytest.raises(errors.Invalid) as refused:
        clients.create_client(tenant=TenantFactory(), name=name, role=role, actor=ACTOR)

    assert [problem.pointer for problem in refused.value.problems] == [pointer]
    assert not ServiceClient.objects.exists()


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_of_a_public_key_nothing_secret_is_kept(client: ServiceClient, algorithm: str) -> None:
    pem = tokens.public_pem(algorithm)

    issued = clients.issue_key(client=client, request=KeyRequest(algorithm, pem), actor=ACTOR)

    assert issued.secret is None
    assert state(issued) == ("active", None)
    assert issued.key.material == pem


@pytest.mark.parametrize(
    ("algorithm", "pem"),
    [
        ("ES256", tokens.public_pem("EdDSA")),
        ("HS256", tokens.public_pem("EdDSA")),
        ("EdDSA", "rubbish"),
        ("EdDSA", None),
    ],
)
def test_an_unusable_key_is_refused_and_no_client_is_left(
    db: None, algorithm: str, pem: str | None
) -> None:
    tenant, request = TenantFactory(), KeyRequest(algorithm, pem)

    with pytest.raises(errors.Invalid) as refused:
        clients.create_client(tenant=tenant, name="gate", role="read", actor=ACTOR, request=request)

    assert [problem.code for problem in refused.value.problems] == ["unusable_key"]
    assert not ServiceClient.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_key_that_has_ended_before_it_begins_is_refused(client: ServiceClient) -> None:
    request = KeyRequest(expires_at=timezone.now())

    with pytest.raises(errors.Invalid) as refused:
        clients.issue_key(client=client, request=request, actor=ACTOR)

    told_of = [(problem.pointer, problem.code) for problem in refused.value.problems]
    assert told_of == [("/expires_at", "out_of_range")]
    assert not client.keys.exists()


# Rotated.


def test_a_rotated_key_is_accepted_until_the_overlap_is_over(client: ServiceClient) -> None:
    old = KeyFactory(client=client)
    before = timezone.now()

    new = clients.rotate_key(client=client, overlap=DAY, actor=ACTOR)

    word, ends_at = state(old)
    assert word == "retiring"
    assert before + DAY <= ends_at <= timezone.now() + DAY
    assert state(new) == ("active", None)
    assert told(client) == ["key.issue", "key.retire", "key.issue"]


def test_without_overlap_the_old_key_ends_now(client: ServiceClient) -> None:
    old = KeyFactory(client=client)

    clients.rotate_key(client=client, overlap=timedelta(0), actor=ACTOR)

    known = keycache.KEYS.get(old.key.kid)
    assert known is not None
    assert known.has_ended(timezone.now())


def test_a_rotation_without_overlap_ends_keys_that_were_retiring(client: ServiceClient) -> None:
    leaked = KeyFactory(client=client)
    clients.rotate_key(client=client, overlap=DAY, actor=ACTOR)

    new = clients.rotate_key(client=client, overlap=timedelta(0), actor=ACTOR)

    accepted = client.keys.accepted(timezone.now())
    assert [key.kid for key in accepted] == [new.key.kid]
    assert state(leaked)[0] == "retiring"
    last = AuditEntry.objects.filter(object_id=leaked.key.kid).latest("sequence")
    assert (last.action, last.before) == ("key.retire", {"state": "retiring"})


def test_a_later_rotation_never_prolongs_a_retiring_key(client: ServiceClient) -> None:
    old = KeyFactory(client=client)
    clients.rotate_key(client=client, overlap=timedelta(hours=1), actor=ACTOR)
    before = state(old)

    clients.rotate_key(client=client, overlap=7 * DAY, actor=ACTOR)

    assert state(old) == before


def test_a_rotation_never_prolongs_a_key_that_ends_by_itself(client: ServiceClient) -> None:
    ends_at = timezone.now() + timedelta(hours=1)
    old = KeyFactory(client=client, expires_at=ends_at)

    clients.rotate_key(client=client, overlap=DAY, actor=ACTOR)

    assert state(old) == ("retiring", ends_at)


def test_a_rotation_leaves_revoked_keys_and_other_clients_alone(client: ServiceClient) -> None:
    revoked, others = KeyFactory(client=client), KeyFactory()
    clients.revoke_key(key=revoked.key, actor=ACTOR)

    clients.rotate_key(client=client, overlap=DAY, actor=ACTOR)

    assert state(revoked) == ("revoked", None)
    assert state(others) == ("active", None)


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=30, seconds=1)])
def test_an_overlap_out_of_range_is_refused(client: ServiceClient, overlap: timedelta) -> None:
    old = KeyFactory(client=client)

    with pytest.raises(errors.Invalid) as refused:
        clients.rotate_key(client=client, overlap=overlap, actor=ACTOR)

    assert refused.value.problems[0].pointer == "/overlap_seconds"
    assert state(old) == ("active", None)


def test_a_rotation_to_an_unusable_key_retires_nothing(client: ServiceClient) -> None:
    old = KeyFactory(client=client)

    with pytest.raises(errors.Invalid):
        clients.rotate_key(
            client=client, overlap=DAY, actor=ACTOR, request=KeyRequest("RS256", "rubbish")
        )

    assert state(old) == ("active", None)
    assert told(client) == ["key.issue"]


def test_rotations_at_once_leave_one_active_key(committed_rows: None) -> None:
    client = KeyFactory().key.client

    def rotate(_: int) -> None:
        try:
            clients.rotate_key(client=client, overlap=DAY, actor=ACTOR)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(rotate, range(4)))

    assert client.keys.filter(state="active").count() == 1
    assert client.keys.filter(state="retiring").count() == 4


# Ended.


def test_a_revoked_key_stays_revoked_and_is_told_once(client: ServiceClient) -> None:
    issued = KeyFactory(client=client)

    for _ in range(2):
        clients.revoke_key(key=issued.key, actor=ACTOR, reason="lost")

    assert state(issued) == ("revoked", None)
    assert keycache.KEYS.get(issued.key.kid) is None
    assert told(client) == ["key.issue", "key.revoke"]


def test_keys_past_their_end_are_written_down_as_revoked_once(client: ServiceClient) -> None:
    ended, running = KeyFactory(client=client), KeyFactory()
    clients.rotate_key(client=client, overlap=timedelta(0), actor=ACTOR)
    clients.rotate_key(client=running.key.client, overlap=DAY, actor=ACTOR)
    now = timezone.now()

    counts = [clients.revoke_expired_keys(at=now, actor=ACTOR) for _ in range(2)]

    assert counts == [1, 0]
    assert state(ended)[0] == "revoked"
    assert state(running)[0] == "retiring"


def test_an_active_key_past_its_own_end_is_written_down_as_revoked(client: ServiceClient) -> None:
    ends_at = timezone.now() + DAY
    ending, endless = KeyFactory(client=client, expires_at=ends_at), KeyFactory(client=client)

    early = clients.revoke_expired_keys(at=ends_at - DAY, actor=ACTOR)
    due = clients.revoke_expired_keys(at=ends_at, actor=ACTOR)

    assert (early, due) == (0, 1)
    assert [state(key)[0] for key in (ending, endless)] == ["revoked", "active"]


def test_a_client_is_shut_out_and_let_in_and_each_is_told_once(client: ServiceClient) -> None:
    kid = KeyFactory(client=client).key.kid

    for _ in range(2):
        clients.set_enabled(client=client, is_enabled=False, actor=ACTOR)
    is_out = keycache.KEYS.get(kid) is None
    for _ in range(2):
        clients.set_enabled(client=client, is_enabled=True, actor=ACTOR)

    assert is_out
    assert keycache.KEYS.get(kid) is not None
    assert told(client) == ["key.issue", "client.disable", "client.enable"]


# Tokens made on a client's behalf.


def test_a_token_is_signed_with_the_newest_key_that_is_accepted(client: ServiceClient) -> None:
    older = KeyFactory(client=client)
    ended = KeyFactory(client=client)
    client.keys.filter(kid=ended.key.kid).update(expires_at=timezone.now() - DAY)

    first = minting.mint_token(client=client, ttl_s=60)
    newest = clients.rotate_key(client=client, overlap=DAY, actor=ACTOR)
    second = minting.mint_token(client=client, ttl_s=60)

    kids = [jwt.get_unverified_header(token)["kid"] for token in (first, second)]
    assert kids == [older.key.kid, newest.key.kid]


@pytest.mark.parametrize("ttl_s", [0, -1, 86_401])
def test_a_token_out_of_range_is_not_made(client: ServiceClient, ttl_s: int) -> None:
    KeyFactory(client=client)

    with pytest.raises(errors.Invalid):
        minting.mint_token(client=client, ttl_s=ttl_s)


def test_without_a_secret_there_is_no_token(client: ServiceClient) -> None:
    KeyFactory(client=client, algorithm="EdDSA")

    with pytest.raises(minting.NoSecretHeld):
        minting.mint_token(client=client, ttl_s=60)
