"""What tests of snapshots and training share: a folder of their own for files."""

from pathlib import Path

import pytest
from pytest_django import Settings

from tenants.models import Tenant
from tests.factories import TenantFactory
from tests.inference.conftest import shipped_schemas, store
from tests.inference.staged import serve
from tests.mlops.training_nights import people, scored_by_people

__all__ = ["shipped_schemas", "store"]


@pytest.fixture(autouse=True)
def datasets_dir(tmp_path: Path, settings: Settings) -> Path:
    settings.DATASETS_DIR = tmp_path / "datasets"
    return settings.DATASETS_DIR


@pytest.fixture
def lab(store: Path, shipped_schemas: None) -> Tenant:
    """Five people, a night each, scored by a person; a small model serves."""
    serve()
    tenant = TenantFactory()
    people(tenant, 5)
    scored_by_people(tenant)
    return tenant
