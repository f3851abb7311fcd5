"""A verified token is believed again only while nothing that time can change has changed."""

import time
from collections.abc import Callable

import pytest
from django.http import HttpResponse

from tenants import authentication, verified
from tenants.keycache import KEYS
from tests.factories import KeyFactory, signatory

pytestmark = pytest.mark.django_db
Ask = Callable[..., HttpResponse]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that were verified whole."""
    seen: list[str] = []
    whole = authentication.verified
    monkeypatch.setattr(authentication, "verified", lambda text: seen.append(text) or whole(text))
    return seen


def test_a_token_is_verified_whole_once(whoami: Ask, looks: list[str]) -> None:
    token = signatory(KeyFactory()).token()

    answers = [whoami(token).status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    assert looks == [token]


def test_a_key_that_was_read_anew_is_asked_again(whoami: Ask, looks: list[str]) -> None:
    token = signatory(KeyFactory()).token()
    whoami(token)
    KEYS.clear()

    whoami(token)

    assert looks == [token, token]


def test_a_token_past_its_end_is_not_believed(whoami: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    token = signatory(KeyFactory()).token(exp=int(time.time()) + 60)
    whoami(token)
    later = time.time() + 120
    monkeypatch.setattr(verified.time, "time", lambda: later)

    assert verified.TOKENS.caller_of(token) is None


def test_a_neighbour_of_a_believed_token_is_a_stranger(whoami: Ask) -> None:
    token = signatory(KeyFactory()).token()
    whoami(token)

    assert whoami(token[:-2] + ("AA" if token[-2:] != "AA" else "BB")).status_code == 401


def test_the_tokens_kept_are_bounded(monkeypatch: pytest.MonkeyPatch, whoami: Ask) -> None:
    monkeypatch.setattr(verified, "MOST_TOKENS", 3)
    monkeypatch.setattr(authentication, "TOKENS", verified.VerifiedTokens())
    someone = signatory(KeyFactory())

    for life in range(100, 110):
        whoami(someone.token(exp=int(time.time()) + life))

    assert len(authentication.TOKENS._kept) == 3
