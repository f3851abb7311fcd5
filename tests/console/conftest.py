"""Two tenants with a row of every kind, each row marked as theirs in every text it holds."""

import pytest

from tests.console.planted import Planted
from tests.inference.conftest import shipped_schemas, store
from tests.inference.staged import serve
from tests.tenants.conftest import _fresh_keys_and_allowances

__all__ = ["_fresh_keys_and_allowances", "shipped_schemas", "store"]


@pytest.fixture
def _serving(store: object, shipped_schemas: None) -> None:
    serve()


@pytest.fixture
def heron(_serving: None) -> Planted:
    return Planted("heron")


@pytest.fixture
def magpie(_serving: None) -> Planted:
    return Planted("magpie")
