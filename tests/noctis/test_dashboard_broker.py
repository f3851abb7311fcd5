"""The overview where the broker is away: it says so, and does not look well."""

from collections.abc import Iterator

import pytest
from django.conf import settings

from noctis import broker
from tests.factories import PlatformFactory
from tests.tenants.households import as_, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def without_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An address at which nothing listens."""
    broker._store.cache_clear()
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    yield
    broker._store.cache_clear()


def test_a_broker_that_is_away_is_an_alert(without_broker: None) -> None:
    page = text(as_("platform_admin", PlatformFactory()).get("/console/"))

    tile = next(part for part in page.split('<li class="tile') if "Tasks in the queue" in part)
    assert tile.startswith(" is-alert")
    assert "the broker does not answer" in tile
