"""The forgeries on a platform that leaves one check out: those that it would have caught get in."""

from collections.abc import Callable

import pytest

from tenants import authentication, tokens
from tests.tenants.conftest import Ask
from tests.tenants.forger import World
from tests.tenants.forgeries import FORGERIES

pytestmark = pytest.mark.django_db


def let_in(whoami: Ask) -> set[str]:
    return {name for name, forge in FORGERIES.items() if whoami(forge(World())).status_code == 200}


def no_signature(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(authentication, "_verified", lambda token, *_known: token.claims)


def no_claims(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tokens, "check_claims", lambda _claims, **_known: None)


def test_with_every_check_nobody_is_let_in(whoami: Ask) -> None:
    assert let_in(whoami) == set()


@pytest.mark.parametrize("left_out", [no_signature, no_claims])
def test_without_a_check_somebody_is(
    left_out: Callable[[pytest.MonkeyPatch], None], whoami: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_out(monkeypatch)

    assert let_in(whoami)
