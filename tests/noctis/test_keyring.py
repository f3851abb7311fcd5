"""Secrets at rest, and the rotation of the keys that seal them."""

import pytest
from cryptography.fernet import Fernet
from pytest_django.fixtures import Settings

from noctis import keyring

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


def test_a_sealed_secret_opens_and_does_not_show(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = (NEW,)

    sealed = keyring.encrypt(b"open sesame")

    assert keyring.decrypt(sealed) == b"open sesame"
    assert "sesame" not in sealed


def test_sealing_the_same_twice_does_not_look_the_same(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = (NEW,)

    assert keyring.encrypt(b"x") != keyring.encrypt(b"x")


def test_the_first_key_seals_and_every_key_opens(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = (OLD,)
    before = keyring.encrypt(b"before")

    settings.ENCRYPTION_KEYS = (NEW, OLD)
    after = keyring.encrypt(b"after")

    assert keyring.decrypt(before) == b"before"
    assert Fernet(NEW).decrypt(after) == b"after"
    assert (keyring.is_current(before), keyring.is_current(after)) == (False, True)


def test_a_secret_whose_key_was_dropped_is_said_to_be_so(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = (OLD,)
    sealed = keyring.encrypt(b"lost")
    settings.ENCRYPTION_KEYS = (NEW, OTHER)

    with pytest.raises(keyring.Unreadable, match="ENCRYPTION_KEYS lacks the key"):
        keyring.decrypt(sealed)

    assert not keyring.is_current(sealed)


@pytest.mark.parametrize("changed", ["", "not sealed at all", "gAAAAA"])
def test_what_was_never_sealed_does_not_open(changed: str) -> None:
    with pytest.raises(keyring.Unreadable):
        keyring.decrypt(changed)


def test_one_flipped_character_is_noticed(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = (NEW,)
    sealed = keyring.encrypt(b"open sesame")
    flipped = sealed[:30] + ("A" if sealed[30] != "A" else "B") + sealed[31:]

    with pytest.raises(keyring.Unreadable):
        keyring.decrypt(flipped)


def test_a_key_that_is_none_is_refused_without_being_shown(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = (NEW, "correct-horse")

    with pytest.raises(ValueError, match="Fernet keys") as raised:
        keyring.ring()

    assert "horse" not in str(raised.value)
