"""What the tests of access share: every test starts with unused allowances and no known key."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from redis import Redis

from tenants.keycache import KEYS
from tests.tenants.households import Household

Ask = Callable[..., HttpResponse]


@pytest.fixture(autouse=True)
def _fresh_keys_and_allowances() -> Iterator[None]:
    KEYS.clear()
    with Redis.from_url(settings.REDIS_URL) as store:
        if used := store.keys("limit:*"):
            store.delete(*used)
    yield
    KEYS.clear()


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
