"""What the tests of nights share: unused allowances, no known key, the shipped schemas."""

from collections.abc import Iterator

import pytest

from recordings import schemas
from recordings.models import FeatureSchema
from recordings.services.schemas import forget_active
from tests.tenants.conftest import _fresh_keys_and_allowances

__all__ = ["_fresh_keys_and_allowances"]


@pytest.fixture(autouse=True)
def _shipped_schemas(request: pytest.FixtureRequest) -> Iterator[None]:
    """A migration inserts them; the flush after a transactional test takes them away."""
    forget_active()
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("_django_db_helper")
        for version, features in schemas.SHIPPED.items():
            facts = {
                "digest": schemas.digest_of(features),
                "features": schemas.as_rows(features),
                "is_active": version == schemas.ACTIVE_VERSION,
            }
            FeatureSchema.objects.get_or_create(version=version, defaults=facts)
    yield
    forget_active()
