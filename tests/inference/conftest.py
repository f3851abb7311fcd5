"""What the tests of models share: a store of their own, and a process that serves nothing yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from inference import serving
from recordings.services.schemas import forget_active
from tests.recordings.full_nights import ship_schemas


@pytest.fixture
def store(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """An empty store, and nothing that ships; both are the same folder."""
    settings.MODELS_DIR = settings.SHIPPED_MODELS_DIR = tmp_path / "models"
    settings.MODELS_DIR.mkdir()
    serving.forget()
    yield settings.MODELS_DIR
    serving.forget()


@pytest.fixture
def shipped_schemas(db: None) -> Iterator[None]:
    forget_active()
    ship_schemas()
    yield
    forget_active()
