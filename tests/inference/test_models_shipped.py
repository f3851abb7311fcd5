"""What ships with the platform: registered and serving by itself, and no more than that."""

import shutil
from pathlib import Path

import pytest
from pytest_django import Settings

from inference import refusals
from inference.artifacts import folder
from inference.models import Generation, ModelEvent
from inference.services import model_imports, registry, shipped
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


def test_what_ships_anew_under_a_known_name_leaves_the_kept_copy(
    store: Path, settings: Settings
) -> None:
    ship(store)
    settings.MODELS_DIR = store.parent / "kept"
    shipped.ensure_models(decision=WHY)
    settings.SHIPPED_MODELS_DIR = store.parent / "newer"
    for seed, version in enumerate(shipped.SHIPPED):
        drafts.written(settings.SHIPPED_MODELS_DIR, version, seed + 10)

    rows = shipped.ensure_models(decision=WHY)

    assert [registry.verify_version(row).version for row in rows] == [row.version for row in rows]


def test_what_ships_no_more_keeps_nobody_from_the_rest(store: Path) -> None:
    ship(store)
    shipped.ensure_models(decision=WHY)
    shutil.rmtree(store / "linear-1")

    rows = shipped.ensure_models(decision=WHY)

    assert [row.version for row in rows].count("linear-1") == 1
    assert serves() == dict.fromkeys(("live", "night"), shipped.SHIPPED[0])


def test_a_copy_that_cannot_be_put_right_is_no_success(
    store: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ship(store)
    settings.MODELS_DIR = store.parent / "kept"
    shipped.ensure_models(decision=WHY)
    damaged = settings.MODELS_DIR / "linear-1" / "bias.npy"
    damaged.write_bytes(b"no bias")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder, "_write", fail)
    with pytest.raises(OSError, match="No space"):
        shipped.ensure_models(decision=WHY)

    assert damaged.read_bytes() == b"no bias"


def test_what_somebody_chose_stays(store: Path) -> None:
    ship(store)
    validated("chosen", 9)
    serve("chosen", "night")

    shipped.ensure_models(decision=WHY)

    assert serves() == {"live": shipped.SHIPPED[0], "night": "chosen"}


def test_what_somebody_rejected_does_not_come_to_serve(store: Path) -> None:
    ship(store)
    first, second, *_ = shipped.SHIPPED
    model_imports.import_version(files=folder.read(store / first), decision=WHY)
    registry.reject_version(version=first, decision=WHY)

    shipped.ensure_models(decision=WHY)

    assert serves() == dict.fromkeys(("live", "night"), second)


def test_a_pin_says_nothing_of_a_pass_that_its_version_does_not_offer(
    store: Path, settings: Settings
) -> None:
    ship(store)
    drafts.written(store.parent / "outside", "nightly", 7, passes=("night",))
    files = folder.read(store.parent / "outside" / "nightly")
    model_imports.import_version(files=files, decision=WHY)
    registry.validate_version(version="nightly", decision=WHY)
    settings.ACTIVE_MODEL_VERSION = "nightly"

    shipped.ensure_models(decision=WHY)

    assert serves() == {"live": shipped.SHIPPED[0]}
    with pytest.raises(refusals.PinnedByEnvironment, match="pins night to nightly"):
        serve(shipped.SHIPPED[1])
    serve(shipped.SHIPPED[1], "live")
    assert serves() == {"live": shipped.SHIPPED[1]}
