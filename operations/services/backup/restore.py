"""Bring a backup back, beside the live database: to try it and drop it, or to keep it."""

from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import psycopg
from django.utils import timezone
from psycopg import sql

from operations import manifests
from operations.checksums import Content
from operations.models import Restoration
from operations.services.backup import files, results, server, targets
from operations.services.backup.contents import contents, write_text_alike
from operations.services.backup.files import Archive
from operations.services.backup.refusals import RestoreDifferent, RestoreFailed
from tenants.services.audit import Actor

OPTIONS = ("--format=custom", "--exit-on-error", "--no-owner", "--no-acl", "--no-password")
MOST_DIFFERENCES = 50
# While the database says that it is being restored, TimescaleDB's jobs leave it alone; the session
# that compares reads hypertables as usual.
COMPARING = "-c timescaledb.restoring=off"
EXTENSION = "CREATE EXTENSION IF NOT EXISTS timescaledb VERSION {}"


def prove_backup(*, path: Path, actor: Actor) -> Restoration:
    """Restore into a database that is dropped in any case, and compare it with the manifest."""
    row = _begun(path, Restoration.Kind.TEST)
    with results.failures_noted(row=row, action="backup.test_fail", actor=actor):
        with server.only_one(kind="restore test") as session:
            archive = _checked(path, row)
            with targets.temporary(session=session) as database:
                row.database = database
                found = _restored(archive, database)
        _compared(row, archive, found)
    return _ended(row, action="backup.test", actor=actor)


def restore_backup(*, path: Path, into: str, actor: Actor) -> Restoration:
    """Restore into a new or empty database, compare it with the manifest, and keep it."""
    row = _begun(path, Restoration.Kind.RESTORE)
    row.database = into
    with results.failures_noted(row=row, action="backup.restore_fail", actor=actor):
        targets.refuse_live(name=into)
        archive = _checked(path, row)
        with targets.new_or_empty(name=into):
            found = _restored(archive, into)
            with server.connect(database=into) as session:
                session.execute("ANALYZE")
        _compared(row, archive, found)
    return _ended(row, action="backup.restore", actor=actor)


def _begun(path: Path, kind: Restoration.Kind) -> Restoration:
    return Restoration(path=str(path.absolute()), kind=kind, started_at=timezone.now())


def _checked(path: Path, row: Restoration) -> Archive:
    archive = files.opened(path.absolute())
    row.sha256 = archive.manifest.file.sha256
    row.table_count, row.row_count = len(archive.manifest.tables), archive.manifest.row_count
    files.require_whole(archive=archive)
    return archive


def _compared(row: Restoration, archive: Archive, found: dict[str, Content]) -> None:
    row.differences = manifests.differences(archive.manifest.tables, found)[:MOST_DIFFERENCES]
    row.outcome = Restoration.Outcome.DIFFERENT if row.differences else Restoration.Outcome.EQUAL


def _ended(row: Restoration, *, action: str, actor: Actor) -> Restoration:
    """The row says it before anybody is told: a difference is a finding, not a failure to look."""
    row.finished_at = timezone.now()
    results.note(row=row, action=action, actor=actor)
    if row.differences:
        raise RestoreDifferent("; ".join(row.differences[:5]))
    return row


def _restored(archive: Archive, database: str) -> dict[str, Content]:
    """Fill an empty database and sum up what is in it now."""
    wanted = archive.manifest.source.timescaledb
    with server.connect(database=database) as session:
        targets.require_versions(source=archive.manifest.source, session=session)
        if wanted:
            extension = sql.SQL(EXTENSION).format(wanted)
            _timescaledb(session, extension, sql.SQL("SELECT timescaledb_pre_restore()"))
        _fed(archive, database, major=session.info.server_version // 10_000)
        found = _summed(database, COMPARING if wanted else "")
        if wanted:
            _timescaledb(session, sql.SQL("SELECT timescaledb_post_restore()"))
    return found


def _timescaledb(session: psycopg.Connection[Any], *steps: sql.SQL | sql.Composed) -> None:
    """What TimescaleDB asks for around a restore."""
    try:
        for step in steps:
            session.execute(step)
    except psycopg.Error as error:
        line = str(error).strip().splitlines()[0]
        raise RestoreFailed(f"TimescaleDB could not be prepared: {line}") from None


def _summed(database: str, options: str) -> dict[str, Content]:
    with server.connect(database=database, options=options) as reader:
        write_text_alike(reader)
        try:
            return contents(reader)
        except psycopg.Error as error:
            line = str(error).strip().splitlines()[0]
            raise RestoreFailed(f"The restored tables could not be read: {line}") from None


def _fed(archive: Archive, database: str, *, major: int) -> None:
    pg_restore = server.program(name="pg_restore", major=major)
    command = [str(pg_restore), *OPTIONS, f"--dbname={database}"]
    with TemporaryFile() as said:
        process = server.start(command=command, database=database, is_fed=True, said=said)
        try:
            _pour(archive, process)
            status = process.wait()
        finally:
            server.end(process=process)
        if status != 0:
            raise RestoreFailed(server.reason(said=said, status=status))


def _pour(archive: Archive, process: Any) -> None:
    try:
        for chunk in files.read(archive):
            process.stdin.write(chunk)
        process.stdin.close()
    except BrokenPipeError:
        # It ended early and said why; that is read next.
        return
