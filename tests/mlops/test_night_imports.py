"""Scored nights of others that are imported on several days: each keeps its own labels."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from devices.models import Device
from mlops.services import night_imports
from mlops.sources import SourceNight
from recordings.models import LabelSet
from tests.factories import DeviceFactory
from tests.recordings.conftest import _shipped_schemas
from tests.recordings.nights import features

__all__ = ["_shipped_schemas"]
pytestmark = pytest.mark.django_db
Import = Callable[..., night_imports.NightsImported]


def scored(name: str, seed: int, code: int) -> SourceNight:
    """A night of the one subject, all of it in one stage."""
    return SourceNight("slpdb", name, "s1", features(40, seed), np.full(40, code, np.int8))


@pytest.fixture
def import_on(monkeypatch: pytest.MonkeyPatch) -> Import:
    """Import so many days from today."""
    device: Device = DeviceFactory()
    today = timezone.now()

    def run(days: int, *source: SourceNight) -> night_imports.NightsImported:
        at = today + timedelta(days=days)
        monkeypatch.setattr(night_imports.timezone, "now", lambda: at)
        try:
            return night_imports.import_nights(device=device, source=source, tell=lambda _: None)
        finally:
            monkeypatch.undo()

    return run


def test_a_night_that_is_imported_again_on_another_day_keeps_its_labels(import_on: Import) -> None:
    first, second = scored("a", 1, 0), scored("b", 2, 2)
    import_on(0, first)

    import_on(1, first, second)
    again = import_on(1, first, second)

    assert (again.nights_opened, again.label_versions) == (0, 0)
    found = LabelSet.objects.order_by("recording_id").values_list("version", "stages__0")
    assert list(found) == [(1, 0), (1, 2)]
