"""The key ring rotates: a new first key, secrets moved under it, the old key dropped."""

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings

from noctis import errors, keyring
from tenants.models import AuditEntry, Operator
from tenants.services import clients, minting, operators, sealing
from tests.factories import ACTOR, KeyFactory, OperatorFactory, PlatformFactory, TenantFactory

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
NOTHING = {"client_keys": 0, "operators": 0}


@pytest.fixture
def ring(settings: LazySettings, db: None) -> LazySettings:
    settings.ENCRYPTION_KEYS = (OLD,)
    PlatformFactory()
    return settings


def enrolled() -> tuple[Operator, str]:
    person = OperatorFactory()
    secret = operators.enrol_second_factor(operator=person, tenant=TenantFactory(), actor=ACTOR)
    return person, secret


def entries() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action="secrets.reseal"))


def test_with_a_new_first_key_old_secrets_still_open(ring: LazySettings) -> None:
    old = KeyFactory()

    ring.ENCRYPTION_KEYS = (NEW, OLD)
    new = KeyFactory()

    assert minting.mint_token(client=old.key.client, ttl_s=60)
    assert not keyring.is_current(old.key.material)
    assert keyring.is_current(new.key.material)


def test_after_resealing_the_old_key_can_be_dropped(ring: LazySettings) -> None:
    issued, public = KeyFactory(), KeyFactory(algorithm="EdDSA")
    person, otp_secret = enrolled()
    ring.ENCRYPTION_KEYS = (NEW, OLD)

    moved = sealing.reseal_secrets(actor=ACTOR)

    ring.ENCRYPTION_KEYS = (NEW,)
    for row in (issued.key, public.key, person):
        row.refresh_from_db()
    assert moved == {"client_keys": 1, "operators": 1}
    assert keyring.decrypt(issued.key.material).decode() == issued.secret
    assert keyring.decrypt(person.otp_secret).decode() == otp_secret
    assert "PUBLIC KEY" in public.key.material


def test_resealing_again_changes_nothing_and_tells_nothing(ring: LazySettings) -> None:
    key = KeyFactory().key
    ring.ENCRYPTION_KEYS = (NEW, OLD)
    sealing.reseal_secrets(actor=ACTOR)
    key.refresh_from_db()
    before = key.material

    again = sealing.reseal_secrets(actor=ACTOR)

    key.refresh_from_db()
    assert again == NOTHING
    assert key.material == before
    assert [entry.after for entry in entries()] == [{"client_keys": 1, "operators": 0}]
    assert entries()[0].tenant.is_platform


def test_a_secret_that_nobody_can_open_is_named_and_nothing_is_moved(ring: LazySettings) -> None:
    good, bad = KeyFactory().key, KeyFactory().key
    bad.material = Fernet(Fernet.generate_key()).encrypt(b"lost").decode()
    bad.save()
    ring.ENCRYPTION_KEYS = (NEW, OLD)

    with pytest.raises(sealing.Unopenable, match=bad.kid):
        sealing.reseal_secrets(actor=ACTOR)

    good.refresh_from_db()
    assert not keyring.is_current(good.material)
    assert entries() == []


def test_a_revoked_key_does_not_stand_in_the_way(ring: LazySettings) -> None:
    key = KeyFactory().key
    clients.revoke_key(key=key, actor=ACTOR)
    ring.ENCRYPTION_KEYS = (NEW,)

    assert sealing.reseal_secrets(actor=ACTOR) == NOTHING


def test_without_a_platform_tenant_nothing_is_moved(settings: LazySettings, db: None) -> None:
    settings.ENCRYPTION_KEYS = (OLD,)
    key = KeyFactory().key
    settings.ENCRYPTION_KEYS = (NEW, OLD)

    with pytest.raises(errors.Conflict, match="platform tenant"):
        sealing.reseal_secrets(actor=ACTOR)

    key.refresh_from_db()
    assert not keyring.is_current(key.material)
