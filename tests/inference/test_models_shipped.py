"""What ships with the platform: registered and serving by itself, and no more than that."""

import shutil
from pathlib import Path

import pytest
from pytest_django import Settings

from inference import refusals
from inference.artifacts import folder
from inference.models import Generation, ModelEvent
from inference.services import registry, shipped
from tests.inference import drafts
from tests.inference.test_registry import WHY, serve, serves, validated

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("store", "shipped_schemas", "empty_registry"),
]


def ship(root: Path) -> None:
    for seed, version in enumerate(shipped.SHIPPED):
        drafts.written(root, version, seed)


def test_what_ships_serves_by_itself(store: Path) -> None:
    ship(store)

    first = shipped.ensure_models(decision=WHY)
    generation = Generation.objects.get().number
    second = shipped.ensure_models(decision=WHY)

    assert [row.version for row in first] == [row.version for row in second]
    assert serves() == dict.fromkeys(("live", "night"), shipped.SHIPPED[0])
    assert Generation.objects.get().number == generation


@pytest.mark.parametrize("names", [("linear-1",), shipped.SHIPPED])
def test_what_ships_comes_back_where_its_copy_was_lost(
    store: Path, settings: Settings, names: tuple[str, ...]
) -> None:
    ship(store)
    settings.MODELS_DIR = store.parent / "kept"
    shipped.ensure_models(decision=WHY)
    for name in names:
        shutil.rmtree(settings.MODELS_DIR / name)

    rows = shipped.ensure_models(decision=WHY)

    assert [registry.verify_version(row).version for row in rows] == [row.version for row in rows]
    assert ModelEvent.objects.filter(action="import").count() == len(shipped.SHIPPED)


def test_what_somebody_chose_stays(store: Path) -> None:
    ship(store)
    validated("chosen", 9)
    serve("chosen", "night")

    shipped.ensure_models(decision=WHY)

    assert serves() == {"live": shipped.SHIPPED[0], "night": "chosen"}


def test_what_somebody_rejected_does_not_come_to_serve(store: Path) -> None:
    ship(store)
    first, second, *_ = shipped.SHIPPED
    registry.import_version(files=folder.read(store / first), decision=WHY)
    registry.reject_version(version=first, decision=WHY)

    shipped.ensure_models(decision=WHY)

    assert serves() == dict.fromkeys(("live", "night"), second)


def test_a_pin_says_nothing_of_a_pass_that_its_version_does_not_offer(
    store: Path, settings: Settings
) -> None:
    ship(store)
    drafts.written(store.parent / "outside", "nightly", 7, passes=("night",))
    files = folder.read(store.parent / "outside" / "nightly")
    registry.import_version(files=files, decision=WHY)
    registry.validate_version(version="nightly", decision=WHY)
    settings.ACTIVE_MODEL_VERSION = "nightly"

    shipped.ensure_models(decision=WHY)

    assert serves() == {"live": shipped.SHIPPED[0]}
    with pytest.raises(refusals.PinnedByEnvironment, match="pins night to nightly"):
        serve(shipped.SHIPPED[1])
    serve(shipped.SHIPPED[1], "live")
    assert serves() == {"live": shipped.SHIPPED[1]}
