"""Scheduled backups: so many are kept, the only good one always, and the newest is tried."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from noctis.schedules import SCHEDULES
from operations import manifests
from operations.manifests import File, Manifest, Source
from operations.models import Backup, Restoration
from operations.services.backup import rotation
from operations.services.backup.files import manifest_path
from operations.services.backup.refusals import BackupMissing
from operations.services.backup.sealing import Plain
from operations.tasks import backups as tasks
from tests.factories import ACTOR, TenantFactory
from tests.operations.backups import flip_a_byte, left_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_rows"),
]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def backups_of(folder: Path, count: int) -> list[str]:
    """Names of small backups, the oldest first; each its own bytes."""
    return [backup_of(folder, f"noctis-2026010{day}T000000Z.dump") for day in range(1, count + 1)]


def backup_of(folder: Path, name: str) -> str:
    with (folder / name).open("wb") as file:
        sink = Plain(file)
        sink.write(f"the bytes of {name}".encode())
        sink.finish()
    manifest = Manifest(
        format=manifests.FORMAT,
        taken_at=NOW.isoformat(),
        source=Source("noctis", "postgres", "18.4", None, ()),
        tables={},
        file=File(name, sink.size_bytes, sink.sha256),
    )
    manifest_path(folder / name).write_bytes(manifests.encode(manifest, secret=None))
    return name


def note_proof(folder: Path, name: str, outcome: str = "equal") -> None:
    manifest = manifests.decode(manifest_path(folder / name).read_bytes())
    Restoration.objects.create(
        path=str(folder / name),
        sha256=manifest.file.sha256,
        kind="test",
        outcome=outcome,
        started_at=NOW,
        finished_at=NOW,
        request_id="test",
    )


def kept(folder: Path) -> list[str]:
    return sorted(name for name in left_in(folder) if name.endswith(".dump"))


def test_the_newest_are_kept_and_the_others_go_with_their_manifests(tmp_path: Path) -> None:
    names = backups_of(tmp_path, 5)
    note_proof(tmp_path, names[4])

    removed = rotation.rotate(folder=tmp_path, keep=3)

    assert sorted(path.name for path in removed) == names[:2]
    assert left_in(tmp_path) == {part for n in names[2:] for part in (n, f"{n}.manifest.json")}


def test_fewer_than_are_kept_stay(tmp_path: Path) -> None:
    names = backups_of(tmp_path, 3)

    assert rotation.rotate(folder=tmp_path, keep=3) == []
    assert kept(tmp_path) == names


def test_the_only_one_that_was_ever_restored_stays_beside_the_newest(tmp_path: Path) -> None:
    names = backups_of(tmp_path, 5)
    note_proof(tmp_path, names[0])
    note_proof(tmp_path, names[1])
    note_proof(tmp_path, names[4], outcome="different")

    rotation.rotate(folder=tmp_path, keep=2)

    assert kept(tmp_path) == [names[1], *names[3:]]


def test_a_good_one_is_not_removed_for_newer_ones_that_are_damaged(tmp_path: Path) -> None:
    names = backups_of(tmp_path, 4)
    for name in names[2:]:
        flip_a_byte(tmp_path / name, at=3)

    removed = rotation.rotate(folder=tmp_path, keep=2)

    assert removed == []
    assert kept(tmp_path) == names


def test_files_without_a_manifest_that_holds_neither_count_nor_go(tmp_path: Path) -> None:
    names = backups_of(tmp_path, 4)
    manifest_path(tmp_path / names[3]).unlink()
    manifest_path(tmp_path / names[2]).write_bytes(b"{}")
    (tmp_path / "precious.dump").write_bytes(b"")

    rotation.rotate(folder=tmp_path, keep=1)

    assert kept(tmp_path) == [*names[1:], "precious.dump"]


def test_the_schedule_takes_rotates_and_tries_backups(tmp_path: Path, settings: Settings) -> None:
    TenantFactory()
    folder = tmp_path / "backups"
    settings.BACKUP_DIR, settings.BACKUP_KEEP = folder, 1
    folder.mkdir()
    old = backup_of(folder, "noctis-20200101T000000Z.dump")
    Backup.objects.create(
        path=str(folder / old),
        outcome="done",
        started_at=NOW - timedelta(days=1),
        finished_at=NOW - timedelta(days=1),
        request_id="test",
    )

    tasks.take_backup()
    tasks.prove_backup()

    taken = Backup.objects.get(removed_at=None)
    proven = Restoration.objects.get()
    assert kept(folder) == [Path(taken.path).name]
    assert (proven.path, proven.sha256) == (taken.path, taken.sha256)
    assert proven.outcome == "equal"
    assert Backup.objects.exclude(removed_at=None).get().path.endswith(old)


def test_an_empty_folder_has_nothing_to_try(tmp_path: Path, settings: Settings) -> None:
    settings.BACKUP_DIR = tmp_path / "none"

    with pytest.raises(BackupMissing, match=r"manage\.py backup"):
        rotation.prove_newest(actor=ACTOR)


def test_both_run_every_day_the_proof_after_the_backup() -> None:
    times = {
        row["task"].rpartition(".")[2]: row["schedule"]
        for row in SCHEDULES.values()
        if row["task"].startswith("operations.tasks.backups.")
    }

    assert sorted(times) == ["prove_backup", "take_backup", "tell_age"]
    assert max(times["take_backup"].hour) < min(times["prove_backup"].hour)
