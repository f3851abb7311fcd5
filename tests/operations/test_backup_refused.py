"""Backups that cannot be taken or used are refused by name, with what to do, and leave nothing."""

import base64
import errno
import hashlib
import shutil
from pathlib import Path

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from noctis import errors
from operations import manifests
from operations.models import Backup, Restoration
from operations.services.backup import contents, files, restore, server, targets
from operations.services.backup.files import manifest_path
from operations.services.backup.refusals import (
    BackupCorrupted,
    BackupExists,
    BackupMissing,
    BackupNotWritten,
    BackupRunning,
    ManifestInvalid,
    ManifestMissing,
    ManifestOfAnother,
    RestoreFailed,
    TargetRefused,
    ToolMissing,
    VersionMismatch,
    WrongKey,
)
from operations.services.backup.sealing import Plain
from tests.factories import ACTOR, TenantFactory
from tests.operations.backups import flip_a_byte, left_in, manifest_of, take

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_rows"),
]
KEY, OTHER = (base64.urlsafe_b64encode(bytes([n]) * 32).decode() for n in (1, 2))


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    TenantFactory()
    take(tmp_path / "a.dump")
    return tmp_path / "a.dump"


def refusal_of(path: Path) -> errors.Refusal:
    with pytest.raises(errors.Refusal) as refused:
        restore.prove_backup(path=path, actor=ACTOR)
    assert "\n" not in str(refused.value)
    return refused.value


def reseal(path: Path, **changes: object) -> None:
    changed = msgspec.structs.replace(manifest_of(path), **changes)
    manifest_path(path).write_bytes(manifests.encode(changed, secret=None))


def test_one_flipped_byte_in_the_file_is_found(dump: Path) -> None:
    flip_a_byte(dump, at=dump.stat().st_size // 2)

    refused = refusal_of(dump)

    row = Restoration.objects.get()
    assert isinstance(refused, BackupCorrupted)
    assert (row.outcome, row.failure, row.database) == ("failed", "backup_corrupted", "")


def test_a_file_that_lost_its_end_is_found(dump: Path) -> None:
    with dump.open("r+b") as file:
        file.truncate(dump.stat().st_size - 1)

    assert isinstance(refusal_of(dump), BackupCorrupted)


def test_a_dump_that_is_broken_under_a_manifest_that_holds_is_found(dump: Path) -> None:
    """The server's own program refuses it, and the database that was begun is gone."""
    dump.write_bytes(dump.read_bytes()[:5000])
    taken = manifest_of(dump)
    digest = hashlib.sha256(dump.read_bytes()).hexdigest()
    reseal(dump, file=msgspec.structs.replace(taken.file, size_bytes=5000, sha256=digest))

    refused = refusal_of(dump)

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname ~ 'restore_test'")
        assert cursor.fetchone() == (0,)
    assert isinstance(refused, RestoreFailed)


def test_a_backup_without_its_manifest_is_refused(dump: Path) -> None:
    manifest_path(dump).unlink()

    assert isinstance(refusal_of(dump), ManifestMissing)


@pytest.mark.parametrize("text", [b"", b'{"rows": 1}'])
def test_a_manifest_that_cannot_be_read_is_refused(dump: Path, text: bytes) -> None:
    manifest_path(dump).write_bytes(text)

    assert isinstance(refusal_of(dump), ManifestInvalid)


def test_a_manifest_that_was_changed_is_refused(dump: Path) -> None:
    text = manifest_path(dump).read_text()
    manifest_path(dump).write_text(text.replace('"rows": 1,', '"rows": 2,', 1))

    assert isinstance(refusal_of(dump), ManifestInvalid)


def test_a_file_beside_the_manifest_of_another_is_refused(dump: Path, tmp_path: Path) -> None:
    take(tmp_path / "b.dump")
    shutil.copy(manifest_path(dump), manifest_path(tmp_path / "b.dump"))

    assert isinstance(refusal_of(tmp_path / "b.dump"), ManifestOfAnother)


def test_a_backup_and_its_manifest_may_be_renamed_together(dump: Path, tmp_path: Path) -> None:
    manifest_path(dump).rename(manifest_path(tmp_path / "kept.dump"))
    dump.rename(tmp_path / "kept.dump")

    proven = restore.prove_backup(path=tmp_path / "kept.dump", actor=ACTOR)

    assert proven.outcome == "equal"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert isinstance(refusal_of(tmp_path / "none.dump"), BackupMissing)


def test_an_encrypted_backup_comes_back_with_its_key_and_no_other(
    tmp_path: Path, settings: Settings
) -> None:
    TenantFactory(name="Clinic of the heron")
    settings.BACKUP_ENCRYPTION_KEYS = (KEY,)
    taken = take(tmp_path / "a.dump")

    settings.BACKUP_ENCRYPTION_KEYS = (OTHER,)
    refused = refusal_of(tmp_path / "a.dump")
    settings.BACKUP_ENCRYPTION_KEYS = (OTHER, KEY)
    proven = restore.prove_backup(path=tmp_path / "a.dump", actor=ACTOR)

    assert isinstance(refused, WrongKey)
    assert taken.key_id in str(refused)
    assert taken.key_id == manifest_of(tmp_path / "a.dump").key_id
    assert (tmp_path / "a.dump").read_bytes().startswith(b"NOCTISB")
    assert proven.outcome == "equal"


def test_a_manifest_sealed_with_a_key_cannot_be_written_anew_without_it(
    tmp_path: Path, settings: Settings
) -> None:
    settings.BACKUP_ENCRYPTION_KEYS = (KEY,)
    take(tmp_path / "a.dump")
    reseal(tmp_path / "a.dump", taken_at="2020-01-01T00:00:00+00:00")

    assert isinstance(refusal_of(tmp_path / "a.dump"), ManifestInvalid)


def test_a_backup_never_writes_over_a_file(dump: Path) -> None:
    before = dump.read_bytes()

    with pytest.raises(BackupExists):
        take(dump)

    assert dump.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackupNotWritten, match="choose another folder"):
        take(tmp_path / "none" / "a.dump")

    assert Backup.objects.get().failure == "backup_not_written"


def test_a_full_disk_is_said_as_such() -> None:
    full = Path("/dev/full")

    with (
        pytest.raises(BackupNotWritten, match="is full: make room") as refused,
        files.writing(full),
        full.open("wb", buffering=0) as file,
    ):
        Plain(file).write(b"night")

    assert refused.value.__cause__.errno == errno.ENOSPC


def test_a_second_backup_at_the_same_time_is_refused(tmp_path: Path) -> None:
    with server.only_one(kind="backup"), pytest.raises(BackupRunning):
        take(tmp_path / "a.dump")

    assert left_in(tmp_path) == set()
    assert Backup.objects.get().failure == "backup_running"


def test_a_second_restore_test_at_the_same_time_is_refused(dump: Path) -> None:
    with server.only_one(kind="restore test"):
        assert isinstance(refusal_of(dump), BackupRunning)


def test_a_missing_program_is_named_with_what_to_install(
    tmp_path: Path, settings: Settings
) -> None:
    settings.BACKUP_TOOLS_DIR = str(tmp_path)

    with pytest.raises(ToolMissing, match=r"pg_dump is not installed.*client programs"):
        take(tmp_path / "a.dump")

    assert left_in(tmp_path) == set()


def test_a_program_of_another_version_is_not_used(tmp_path: Path, settings: Settings) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 14.2'\n")
    old.chmod(0o755)
    settings.BACKUP_TOOLS_DIR = str(tmp_path)

    with pytest.raises(ToolMissing, match="is of version 14, and the server needs"):
        take(tmp_path / "a.dump")


def test_a_dump_that_fails_leaves_nothing(tmp_path: Path, settings: Settings) -> None:
    tools, out = tmp_path / "tools", tmp_path / "out"
    tools.mkdir()
    out.mkdir()
    major = connection.pg_version // 10_000
    said = f'if [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) {major}.0"; exit; fi'
    broken = tools / "pg_dump"
    broken.write_text(f"#!/bin/sh\n{said}\nprintf PGDMP\necho 'pg_dump: error: gone' >&2\nexit 1\n")
    broken.chmod(0o755)
    settings.BACKUP_TOOLS_DIR = str(tools)

    with pytest.raises(errors.Unavailable, match="pg_dump: error: gone"):
        take(out / "a.dump")

    assert left_in(out) == set()
    assert Backup.objects.get().failure == "backup_dump_failed"


OWN = "That name is the server's own"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("{live}", "is the live database"),
        ("", OWN),
        ("postgres", OWN),
        ("template1", OWN),
        ("x" * 64, OWN),
    ],
)
def test_nothing_is_restored_into_the_live_database_or_the_servers_own(
    tmp_path: Path, name: str, told: str
) -> None:
    name = name.format(live=server.live_database())

    with pytest.raises(TargetRefused, match=told):
        restore.restore_backup(path=tmp_path / "unread.dump", into=name, actor=ACTOR)


def test_a_database_that_is_not_empty_is_left_alone_and_an_empty_one_is_filled(dump: Path) -> None:
    name = f"{server.live_database()}_target"
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    try:
        with server.connect(database=name) as there:
            there.execute("CREATE TABLE precious (id int)")
        with pytest.raises(TargetRefused, match="not empty"):
            restore.restore_backup(path=dump, into=name, actor=ACTOR)
        with server.connect(database=name) as there:
            assert [table.name for table in contents.tables(there)] == ["public.precious"]
            there.execute("DROP TABLE precious")
        filled = restore.restore_backup(path=dump, into=name, actor=ACTOR)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    assert filled.outcome == "equal"


def test_an_older_server_and_one_without_its_timescaledb_are_refused(dump: Path) -> None:
    source = manifest_of(dump).source
    newer = msgspec.structs.replace(source, postgresql="99.1")
    foreign = msgspec.structs.replace(source, timescaledb="0.0.1")

    with server.connect() as session:
        with pytest.raises(VersionMismatch, match=r"PostgreSQL 99"):
            targets.require_versions(source=newer, session=session)
        with pytest.raises(VersionMismatch, match=r"TimescaleDB 0\.0\.1"):
            targets.require_versions(source=foreign, session=session)


def test_a_command_says_its_refusal_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as failed:
        call_command("restore_test", str(tmp_path / "none.dump"))

    assert str(failed.value).startswith("backup_missing: There is no file ")
