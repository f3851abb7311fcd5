"""The registry: what is imported, what may serve, and what comes back."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from inference import refusals
from inference.artifacts import faults, files_of, folder
from inference.models import Generation, ModelEvent, ModelVersion, Serving
from inference.services import model_imports, registry
from inference.services.model_events import Decision
from recordings.schemas import SHIPPED
from tenants.models import AuditEntry
from tenants.services.clients import IllegalTransition
from tests.factories import ACTOR, PlatformFactory
from tests.inference import drafts

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("store", "shipped_schemas", "empty_registry"),
]
WHY = Decision(ACTOR, "a test", waiver="a toy")


def brought(version: str, seed: int = 0, **more: object) -> ModelVersion:
    files = files_of(drafts.draft(version, drafts.linear(seed), **more))
    return model_imports.import_version(files=files, decision=WHY)


def validated(version: str, seed: int = 0, **more: object) -> ModelVersion:
    brought(version, seed, **more)
    return registry.validate_version(version=version, decision=WHY)


def serve(version: str, *families: str) -> ModelVersion:
    return registry.serve_version(version=version, families=families, decision=WHY)


def serves() -> dict[str, str]:
    return dict(Serving.objects.values_list("family", "version__version"))


def statuses() -> dict[str, str]:
    return dict(ModelVersion.objects.values_list("version", "status"))


def test_an_import_makes_a_candidate(store: Path) -> None:
    row = brought("test-1")

    assert row.status == "candidate"
    assert row.families == ["live", "night"]
    assert row.metadata["metrics"]["kappa"]["value"] == 0.5
    assert row.artifact_hash == folder.digest_of(folder.read(store / "test-1"))
    assert serves() == {}


def test_the_same_import_again_changes_nothing() -> None:
    first, second = brought("test-1"), brought("test-1")

    assert first.pk == second.pk
    assert ModelEvent.objects.count() == 1


@pytest.mark.parametrize("damage", ["another byte", "a file less", "a link", "gone"])
def test_an_import_of_the_registered_bytes_mends_a_damaged_artifact(
    store: Path, damage: str
) -> None:
    row = validated("test-1")
    if damage == "another byte":
        (store / "test-1" / "bias.npy").write_bytes(b"no bias")
    elif damage == "a file less":
        (store / "test-1" / "bias.npy").unlink()
    else:
        (store / "test-1").rename(store.parent / "elsewhere")
    if damage == "a link":
        (store / "test-1").symlink_to(store.parent / "elsewhere")
    with pytest.raises(faults.BadArtifact):
        registry.verify_version(row)

    again = brought("test-1")

    assert (again.pk, again.status) == (row.pk, "validated")
    assert registry.verify_version(row).artifact_hash == row.artifact_hash
    assert not (store / "test-1").is_symlink()
    assert len([*store.glob(".aside-test-1-*")]) == (damage != "gone")


def test_what_an_import_left_that_failed_gives_way(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("the database went away")

    with monkeypatch.context() as patched:
        patched.setattr(model_imports, "tell_change", fail)
        with pytest.raises(RuntimeError):
            brought("test-1", seed=0)
    (store / "test-1").mkdir(exist_ok=True)
    (store / "test-1" / "weights.npy").write_bytes(b"half")

    row = brought("test-1", seed=1)

    assert registry.verify_version(row).artifact_hash == row.artifact_hash


def test_a_version_never_gets_other_bytes(store: Path) -> None:
    first = brought("test-1", seed=0)

    with pytest.raises(faults.ArtifactTaken):
        brought("test-1", seed=1)

    assert registry.verify_version(first).artifact_hash == first.artifact_hash


@pytest.mark.parametrize(
    ("version", "features"),
    [("nobody_speaks_it", drafts.FEATURES), ("v1", drafts.FEATURES), ("noctis_v1", SHIPPED["v1"])],
)
def test_a_model_of_another_schema_is_refused(
    store: Path, version: str, features: tuple[object, ...]
) -> None:
    files = files_of(drafts.draft(schema_version=version))
    if features is not drafts.FEATURES:
        files = files_of(drafts.draft(features=(*drafts.FEATURES[:-1], SHIPPED["v1"][0])))

    with pytest.raises((faults.WrongSchema, faults.GoldenFailed, faults.BadArtifact)) as refused:
        model_imports.import_version(files=files, decision=WHY)

    assert refused.value.row.code == "artifact_wrong_schema"
    assert list(store.iterdir()) == []
    assert not ModelVersion.objects.exists()


def test_a_candidate_serves_nothing() -> None:
    brought("test-1")

    with pytest.raises(IllegalTransition, match="candidate"):
        serve("test-1")

    assert serves() == {}


def test_a_validated_version_serves_all_that_it_offers() -> None:
    validated("test-1")

    row = serve("test-1")

    assert row.status == "production"
    assert serves() == {"live": "test-1", "night": "test-1"}


def test_serving_again_changes_nothing() -> None:
    validated("test-1")
    serve("test-1")
    before = Generation.objects.get().number

    serve("test-1")

    assert Generation.objects.get().number == before
    assert ModelEvent.objects.filter(action="serve").count() == 2


def test_what_is_replaced_is_archived_once_it_serves_nowhere() -> None:
    validated("old", 0)
    validated("new", 1)
    serve("old")

    serve("new", "live")
    halfway = statuses()
    serve("new", "night")

    assert halfway == {"old": "production", "new": "production"}
    assert statuses() == {"old": "archived", "new": "production"}


def test_each_change_raises_the_generation() -> None:
    validated("old", 0)
    validated("new", 1)

    numbers = []
    for step in (lambda: serve("old"), lambda: serve("new"), lambda: roll_back("live", "night")):
        step()
        numbers.append(Generation.objects.get().number)

    assert numbers == [1, 2, 3]


def roll_back(*families: str) -> list[ModelVersion]:
    return registry.roll_back(families=families, decision=WHY)


def test_a_rollback_brings_back_what_served_before() -> None:
    validated("old", 0)
    validated("new", 1)
    serve("old")
    serve("new")

    roll_back("live", "night")

    assert serves() == {"live": "old", "night": "old"}
    assert statuses() == {"old": "production", "new": "archived"}


def test_an_archived_version_comes_back_by_rollback_alone() -> None:
    validated("old", 0)
    validated("new", 1)
    serve("old")
    serve("new")

    with pytest.raises(IllegalTransition, match="archived"):
        serve("old")


def test_where_nothing_served_before_nothing_comes_back() -> None:
    validated("test-1")
    serve("test-1", "night")

    with pytest.raises(refusals.NothingBefore):
        roll_back("night")
    with pytest.raises(refusals.NothingBefore):
        roll_back("live", "night")

    assert serves() == {"night": "test-1"}


def test_a_rollback_to_a_broken_artifact_leaves_all_as_it_was(store: Path) -> None:
    validated("old", 0)
    validated("new", 1)
    serve("old")
    serve("new")
    (store / "old" / "bias.npy").write_bytes(b"x")

    with pytest.raises(faults.WrongSize):
        roll_back("live", "night")

    assert serves() == {"live": "new", "night": "new"}
    assert Generation.objects.get().number == 2


def test_a_broken_artifact_never_comes_to_serve(store: Path) -> None:
    validated("test-1")
    (store / "test-1" / "weights.npy").unlink()

    with pytest.raises(faults.FileMissing):
        serve("test-1")

    assert serves() == {}


def test_a_family_that_is_not_offered_is_refused() -> None:
    validated("test-1", passes=("night",))

    with pytest.raises(refusals.PassNotOffered):
        serve("test-1", "live")
    serve("test-1")

    assert serves() == {"night": "test-1"}


@pytest.mark.parametrize("change", [lambda: serve("new"), lambda: roll_back("night")])
def test_while_pinned_no_row_changes_what_serves(settings: Settings, change: object) -> None:
    validated("old", 0)
    validated("new", 1)
    serve("old")
    settings.ACTIVE_MODEL_VERSION = "old"

    with pytest.raises(refusals.PinnedByEnvironment, match="old"):
        change()

    assert serves() == {"live": "old", "night": "old"}


def test_a_pin_of_the_live_pass_leaves_the_night_free(settings: Settings) -> None:
    validated("old", 0)
    validated("new", 1)
    serve("old")
    settings.ACTIVE_LIVE_MODEL_VERSION = "old"

    with pytest.raises(refusals.PinnedByEnvironment):
        serve("new", "live")
    serve("new", "night")

    assert serves() == {"live": "old", "night": "new"}


def test_what_serves_is_neither_rejected_nor_archived() -> None:
    validated("test-1")
    serve("test-1")

    for step in (registry.reject_version, registry.archive_version):
        with pytest.raises(IllegalTransition):
            step(version="test-1", decision=WHY)


def test_a_step_that_was_taken_is_not_taken_again() -> None:
    brought("test-1")

    registry.reject_version(version="test-1", decision=WHY)
    registry.reject_version(version="test-1", decision=WHY)

    assert [event.action for event in ModelEvent.objects.all()] == ["reject", "import"]


def test_every_change_is_told_with_actor_and_reason() -> None:
    platform = PlatformFactory()
    validated("test-1")
    serve("test-1", "night")

    told = list(AuditEntry.objects.owned_by(platform).order_by("sequence"))

    assert [entry.action for entry in told] == ["model.import", "model.validate", "model.serve"]
    assert {(entry.actor, entry.object_id, entry.reason) for entry in told} == {
        (ACTOR.name, "test-1", "a test")
    }
    event = ModelEvent.objects.first()
    assert (event.family, event.from_status, event.to_status) == (
        "night",
        "validated",
        "production",
    )


def test_an_unknown_version_is_said_so() -> None:
    with pytest.raises(refusals.UnknownModel):
        serve("nobody")


def test_the_command_walks_a_version_from_folder_to_rollback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, version in enumerate(("old", "new")):
        drafts.written(tmp_path / "outside", version, seed)
        call_command("model", "import", str(tmp_path / "outside" / version), "--json")
        call_command("model", "verify", version, "--json")
        call_command("model", "validate", version, "--json")
        call_command("model", "serve", version, "--reason", "better", "--waive", "toys", "--json")
    call_command("model", "rollback", "--json")
    capsys.readouterr()

    call_command("model", "list")
    call_command("model", "show", "old")

    printed = capsys.readouterr().out
    assert serves() == {"live": "old", "night": "old"}
    assert "archived" in printed
    assert "rollback" in printed


def test_the_command_names_what_is_wrong(tmp_path: Path) -> None:
    drafts.written(tmp_path / "outside", "old")
    (tmp_path / "outside" / "old" / "model.pkl").write_bytes(b"")

    with pytest.raises(CommandError, match="artifact_pickle"):
        call_command("model", "import", str(tmp_path / "outside" / "old"))
    with pytest.raises(CommandError, match="model_not_found"):
        call_command("model", "serve", "old")


def test_the_command_says_in_one_line_that_the_disk_is_full(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts.written(tmp_path / "outside", "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device", "weights.npy")

    monkeypatch.setattr(folder, "_write", fail)
    with pytest.raises(CommandError, match=r"os_error: .*No space left on device: 'weights.npy'"):
        call_command("model", "import", str(tmp_path / "outside" / "old"))

    assert list(store.iterdir()) == []
    assert not ModelVersion.objects.exists()
