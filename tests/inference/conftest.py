"""What the tests of models share: a store of their own, and a process that serves nothing yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from inference import serving
from inference.models import Generation, ModelEvent, ModelVersion, Serving
from noctis.db.maintenance import maintenance
from recordings.services.schemas import forget_active
from tests.recordings.full_nights import ship_schemas


@pytest.fixture
def empty_registry(db: None) -> None:
    """As if nothing had been shipped."""
    Serving.objects.all().delete()
    Generation.objects.all().delete()
    with maintenance():
        ModelEvent.objects.all().delete()
    ModelVersion.objects.all().delete()


@pytest.fixture
def store(tmp_path: Path, settings: Settings) -> Path:
    """An empty store, and nothing that ships; both are the same folder."""
    settings.MODELS_DIR = settings.SHIPPED_MODELS_DIR = tmp_path / "models"
    settings.MODELS_DIR.mkdir()
    serving.forget()
    return settings.MODELS_DIR


@pytest.fixture
def shipped_schemas(db: None) -> Iterator[None]:
    forget_active()
    ship_schemas()
    yield
    forget_active()
