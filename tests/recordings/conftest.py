"""What the tests of nights share: unused allowances, no known key, the shipped schemas."""

from tests.tenants.conftest import _fresh_keys_and_allowances

__all__ = ["_fresh_keys_and_allowances"]
