"""A model's folder: what is written is what is read, and the same is written twice."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from inference import engine
from inference.artifacts import Draft, LocalStore, files_of, folder, load, write
from inference.artifacts.faults import ArtifactMissing, ArtifactTaken, BadArtifact, OutOfFolder
from tests.inference import drafts

KINDS: dict[str, Draft] = {
    "linear": drafts.draft(),
    "clock": drafts.draft(model=drafts.clock(), card=""),
    "network": drafts.draft(model=drafts.networked(), network=drafts.network_bytes()),
    "five labels": drafts.draft(model=drafts.linear(labels=("W", "N1", "N2", "N3", "REM"))),
    "night alone": drafts.draft(passes=("night",)),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_what_was_written_answers_as_what_was_trained(kind: str, tmp_path: Path) -> None:
    draft = KINDS[kind]
    night = drafts.a_night(seed=99, epochs=50)

    write(tmp_path / draft.version, draft)
    found = load(tmp_path / draft.version)

    here, there = (engine.stage_night(model, night) for model in (draft.model, found.model))
    assert np.array_equal(here.stages, there.stages)
    assert np.array_equal(here.probabilities, there.probabilities, equal_nan=True)
    assert found.manifest.passes == tuple(sorted(draft.passes))
    assert found.manifest.labels == draft.model.labels
    assert found.manifest.card == draft.card
    assert found.model.reach == draft.model.reach


@every_kind
def test_the_same_draft_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    first = write(tmp_path / "a" / "test-1", KINDS[kind])
    second = write(tmp_path / "b" / "test-1", KINDS[kind])

    assert first.manifest.artifact_hash == second.manifest.artifact_hash


def test_a_changed_weight_is_another_artifact(tmp_path: Path) -> None:
    first = drafts.written(tmp_path / "a", seed=0)
    second = drafts.written(tmp_path / "b", seed=1)

    assert first.manifest.artifact_hash != second.manifest.artifact_hash


@pytest.mark.parametrize("is_experimental", [True, False])
def test_a_version_says_whether_it_is_experimental(tmp_path: Path, is_experimental: bool) -> None:
    facts = drafts.written(tmp_path, is_experimental=is_experimental).manifest.facts

    assert facts["is_experimental"] is is_experimental


def test_who_does_not_say_is_experimental(tmp_path: Path) -> None:
    assert drafts.written(tmp_path).manifest.facts["is_experimental"] is True


def test_the_facts_of_a_manifest_leave_the_vectors_out(tmp_path: Path) -> None:
    facts = drafts.written(tmp_path).manifest.facts

    assert "golden" not in facts
    assert facts["metrics"]["kappa"]["value"] == 0.5
    assert facts["training"]["data"][0]["licence"] == "CC0-1.0"
    json.dumps(facts, allow_nan=False)


def test_a_folder_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    unfit = drafts.draft(golden=())

    with pytest.raises(BadArtifact):
        write(tmp_path / "test-1", unfit)

    assert list(tmp_path.iterdir()) == []


def test_a_store_keeps_and_gives_back(tmp_path: Path) -> None:
    store, files = LocalStore(tmp_path / "models"), files_of(drafts.draft())

    store.keep("test-1", files)
    store.keep("test-1", files)

    assert store.versions() == ["test-1"]
    assert store.read("test-1") == files
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["test-1"]


def test_a_store_never_overwrites(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    files = files_of(drafts.draft())
    store.keep("test-1", files)

    with pytest.raises(ArtifactTaken):
        store.keep("test-1", files_of(drafts.draft(model=drafts.linear(1))))

    assert store.read("test-1") == files


def test_a_copy_that_cannot_be_read_now_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, files = LocalStore(tmp_path), files_of(drafts.draft())
    store.keep("test-1", files)

    def fail(_: Path) -> None:
        raise OSError(116, "Stale file handle")

    with monkeypatch.context() as patched:
        patched.setattr(folder, "read", fail)
        with pytest.raises(OSError, match="Stale"):
            store.mend("test-1", files)

    assert [path.name for path in tmp_path.iterdir()] == ["test-1"]


@pytest.mark.parametrize("version", ["..", "../up", "/etc", "a/b", "reload", "", "A", "a\x00"])
def test_a_version_is_never_a_path(version: str, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)

    with pytest.raises(OutOfFolder):
        store.read(version)
    with pytest.raises(OutOfFolder):
        store.keep(version, {"weights.npy": b""})


def test_an_empty_store_has_nothing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "nowhere")

    assert store.versions() == []
    with pytest.raises(ArtifactMissing):
        store.read("test-1")


def test_keeping_one_version_at_once_keeps_one_whole(tmp_path: Path) -> None:
    store, files, refused = LocalStore(tmp_path), files_of(drafts.draft()), []

    def keep() -> None:
        try:
            store.keep("test-1", files)
        except BadArtifact as error:
            refused.append(error)

    threads = [threading.Thread(target=keep) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.read("test-1") == files
    assert [path.name for path in tmp_path.iterdir()] == ["test-1"]
    assert not refused
