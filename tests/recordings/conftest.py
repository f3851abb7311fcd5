"""What the tests of nights share: unused allowances, no known key, the shipped schemas."""

from collections.abc import Iterator

import pytest

from recordings.services.schemas import forget_active
from tests.recordings.full_nights import ship_schemas
from tests.tenants.conftest import _fresh_keys_and_allowances

__all__ = ["_fresh_keys_and_allowances"]


@pytest.fixture(autouse=True)
def _shipped_schemas(request: pytest.FixtureRequest) -> Iterator[None]:
    forget_active()
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("_django_db_helper")
        ship_schemas()
    yield
    forget_active()
