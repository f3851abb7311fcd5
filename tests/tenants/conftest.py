"""What the tests of access share: every test starts with unused allowances and no known key."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from redis import Redis

from noctis import limits
from noctis.rates import Limit
from tenants.keycache import KEYS
from tests.tenants.households import Household

Ask = Callable[..., HttpResponse]
A_DAY_S = 24 * 3600


@pytest.fixture(autouse=True)
def _fresh_keys_and_allowances() -> Iterator[None]:
    KEYS.clear()
    with Redis.from_url(settings.REDIS_URL) as store:
        if used := store.keys("limit:*"):
            store.delete(*used)
    yield
    KEYS.clear()


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many sign-ins an allowance holds; none comes back while passwords are being hashed."""
    allowed = limits.LIMITS["sign_in"].calls
    monkeypatch.setitem(limits.LIMITS, "sign_in", Limit(allowed, A_DAY_S))
    return allowed


@pytest.fixture
def whoami() -> Ask:
    """Ask `/v1/whoami` with a token, or with a whole Authorization value."""
    client = Client(raise_request_exception=False)

    def ask(token: str = "", *, authorization: str = "") -> HttpResponse:
        return client.get(
            "/v1/whoami", headers={"Authorization": authorization or f"Bearer {token}"}
        )

    return ask


@pytest.fixture
def heron() -> Household:
    return Household("heron")


@pytest.fixture
def magpie() -> Household:
    return Household("magpie")
