"""What the tests of devices share: unused allowances and no known key."""

from tests.tenants.conftest import _fresh_keys_and_allowances

__all__ = ["_fresh_keys_and_allowances"]
