"""A backup is one moment of the database, and what comes back is compared to the last bit."""

import stat
import threading
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from noctis.db.maintenance import maintenance
from noctis.errors import Unavailable
from operations.models import Backup, Restoration
from operations.services.backup import restore, results, server
from operations.services.backup.refusals import RestoreDifferent
from recordings.models import Epoch
from tenants.models import AuditEntry
from tests.factories import ACTOR, PlatformFactory, TenantFactory
from tests.operations.backups import (
    EPOCHS,
    let_it_tell_of_the_epochs_of,
    manifest_of,
    some_night,
    take,
)
from tests.recordings.full_nights import ship_schemas
from tests.recordings.nights import features, night_of
from tests.recordings.test_reads import keep

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_rows"),
]
NOW = timezone.now()


def prove(path: Path) -> Restoration:
    return restore.prove_backup(path=path, actor=ACTOR)


def databases() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        return {name for (name,) in cursor.fetchall()}


def test_while_eight_writers_ingest_a_backup_comes_back_equal(tmp_path: Path) -> None:
    tenant = TenantFactory()
    ship_schemas()
    shared = [night_of(tenant, name=f"device {n}") for n in range(8)]
    matrix, at_work, may_end = features(16), threading.Barrier(9), threading.Event()

    def ingest(number: int) -> None:
        at_work.wait()
        start = 0
        while not may_end.is_set() and start < 900:
            keep(shared[number], matrix, start)
            start += len(matrix)
            may_end.wait(0.01)
        connection.close()

    writers = [threading.Thread(target=ingest, args=[number]) for number in range(8)]
    for writer in writers:
        writer.start()
    at_work.wait()
    before = Epoch.objects.count()
    taken = take(tmp_path / "a.dump")
    after = Epoch.objects.count()
    may_end.set()
    for writer in writers:
        writer.join()
    proven = prove(tmp_path / "a.dump")

    epochs = manifest_of(tmp_path / "a.dump").tables[EPOCHS]
    assert before <= epochs.rows < after
    assert (proven.outcome, proven.differences) == ("equal", [])
    assert proven.row_count == taken.row_count > epochs.rows
    assert proven.database not in databases()


def test_files_are_private_and_the_manifest_says_what_was_there(tmp_path: Path) -> None:
    some_night(count=20)

    taken = take(tmp_path / "a.dump")

    manifest = manifest_of(tmp_path / "a.dump")
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == ["a.dump", "a.dump.manifest.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert manifest.tables[EPOCHS].rows == 20
    assert manifest.source.major == connection.pg_version // 10_000
    assert "recordings.0001_initial" in manifest.source.migrations
    assert (manifest.source.edition, manifest.key_id) == (taken.edition, None)
    assert manifest.file.size_bytes == files[0].stat().st_size == taken.size_bytes


def test_one_changed_value_is_found_in_what_was_restored(tmp_path: Path) -> None:
    night = some_night()
    take(tmp_path / "a.dump")
    with maintenance(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE recordings_epoch SET features[3] = features[3] + 0.001"
            " WHERE recording_id = %s AND epoch_index = 7",
            [night.pk],
        )
    take(tmp_path / "b.dump")
    let_it_tell_of_the_epochs_of(tmp_path / "a.dump", tmp_path / "b.dump")

    with pytest.raises(RestoreDifferent) as refused:
        prove(tmp_path / "b.dump")

    row = Restoration.objects.get()
    assert str(refused.value) == f"{EPOCHS}: as many rows (20), with other content"
    assert (row.outcome, row.differences) == ("different", [str(refused.value)])
    assert row.database not in databases()


def test_one_missing_row_is_found_in_what_was_restored(tmp_path: Path) -> None:
    night = some_night()
    take(tmp_path / "a.dump")
    with transaction.atomic(), maintenance():
        Epoch.objects.filter(recording_id=night.pk, epoch_index=7).delete()
    take(tmp_path / "b.dump")
    let_it_tell_of_the_epochs_of(tmp_path / "a.dump", tmp_path / "b.dump")

    with pytest.raises(RestoreDifferent, match="19 rows instead of 20"):
        prove(tmp_path / "b.dump")


def test_a_backup_is_restored_into_a_new_database_and_stays_there(tmp_path: Path) -> None:
    some_night(count=20)
    take(tmp_path / "a.dump")
    name = f"{server.live_database()}_back"

    try:
        restored = restore.restore_backup(path=tmp_path / "a.dump", into=name, actor=ACTOR)
        with server.connect(database=name) as there:
            (count,) = there.execute("SELECT count(*) FROM recordings_epoch").fetchone()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    assert (restored.kind, restored.outcome, restored.database) == ("restore", "equal", name)
    assert count == 20


def test_a_result_is_kept_though_the_connection_was_lost_meanwhile(tmp_path: Path) -> None:
    Backup.objects.count()
    with server.connect() as other:
        other.execute(
            "SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid]
        )
    row = Backup(path="/a.dump", outcome="done", started_at=NOW, finished_at=NOW)

    results.note(row=row, action="backup.take", actor=ACTOR)

    assert Backup.objects.get().path == "/a.dump"


def test_a_server_that_goes_away_meanwhile_is_said_by_name_and_kept() -> None:
    row = Backup(path="/a.dump", started_at=NOW)

    with (
        pytest.raises(Unavailable, match=r"^terminating connection$"),
        results.failures_noted(row=row, action="backup.fail", actor=ACTOR),
    ):
        raise psycopg.OperationalError("terminating connection\nand more")

    kept = Backup.objects.get()
    assert (kept.outcome, kept.failure, kept.detail) == (
        "failed",
        "db_error",
        "terminating connection",
    )


def test_backups_and_restores_are_told_in_the_platforms_log(tmp_path: Path) -> None:
    platform = PlatformFactory()
    taken = take(tmp_path / "a.dump")
    prove(tmp_path / "a.dump")

    entries = AuditEntry.objects.filter(tenant=platform).order_by("sequence")

    assert [entry.action for entry in entries] == ["backup.take", "backup.test"]
    assert entries[0].after["sha256"] == entries[1].after["sha256"] == taken.sha256
    assert Backup.objects.get().outcome == "done"
