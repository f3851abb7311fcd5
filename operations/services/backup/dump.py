"""Take a backup: a dump, and the checksums of its tables, out of one and the same snapshot."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import psycopg
from django.db import connection
from django.utils import timezone

from noctis.db.timescaledb import edition_of
from operations import manifests
from operations.checksums import Content
from operations.manifests import File, Manifest, Source
from operations.models import Backup
from operations.services.backup import files, results, sealing, server
from operations.services.backup.contents import contents, source, write_text_alike
from operations.services.backup.files import Draft
from operations.services.backup.refusals import DumpFailed
from operations.services.backup.sealing import Key, Plain, Sealed
from tenants.services.audit import Actor

# Level 6 takes three times as long and saves a tenth: measured on epochs.
OPTIONS = ("--format=custom", "--compress=1", "--no-password")
BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


@dataclass(frozen=True)
class Snapshot:
    """One moment of the database, which this session holds for others to read."""

    session: psycopg.Connection[Any]
    name: str
    source: Source


def take_backup(*, path: Path, actor: Actor) -> Backup:
    """Write the database down as it is at one moment; a file that exists can be restored."""
    path = path.absolute()
    row = Backup(path=str(path), started_at=timezone.now())
    with results.failures_noted(row=row, action="backup.fail", actor=actor):
        files.refuse_existing(path)
        with files.writing(path), server.only_one(kind="backup"):
            files.remove_abandoned(path.parent)
            manifest = _written(path, key=next(iter(files.keys()), None))
    row.outcome, row.finished_at = Backup.Outcome.DONE, timezone.now()
    row.size_bytes, row.sha256 = manifest.file.size_bytes, manifest.file.sha256
    row.key_id, row.edition = manifest.key_id or "", manifest.source.edition
    row.table_count, row.row_count = len(manifest.tables), manifest.row_count
    results.note(row=row, action="backup.take", actor=actor)
    return row


def _written(path: Path, *, key: Key | None) -> Manifest:
    taken_at = timezone.now().isoformat(timespec="seconds")
    draft = Draft(path)
    with draft as file, snapshot() as seen:
        sink = Sealed(file, key) if key else Plain(file)
        tables = _dumped(seen, sink)
        manifest = Manifest(
            format=manifests.FORMAT,
            taken_at=taken_at,
            source=seen.source,
            tables=tables,
            file=File(path.name, sink.size_bytes, sink.sha256),
            key_id=key.id if key else None,
        )
        draft.publish(manifests.encode(manifest, secret=key.secret if key else None))
    return manifest


@contextmanager
def snapshot() -> Iterator[Snapshot]:
    """Hold one moment of the database until the block ends."""
    with server.connect() as session:
        write_text_alike(session)
        session.execute(BEGIN)
        (name,) = session.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        yield Snapshot(session, name, source(session=session, edition=edition_of(connection)))


def _dumped(seen: Snapshot, sink: Plain) -> dict[str, Content]:
    """The checksums are made while the dump runs: two sessions, one snapshot."""
    pg_dump = server.program(name="pg_dump", major=seen.source.major)
    with ThreadPoolExecutor(1) as pool:
        summed: Future[dict[str, Content]] = pool.submit(contents, seen.session)
        try:
            _pump([str(pg_dump), *OPTIONS, f"--snapshot={seen.name}"], sink)
            return summed.result()
        except psycopg.Error as error:
            line = str(error).strip().splitlines()[0]
            raise DumpFailed(f"The tables could not be summed up: {line}") from None
        finally:
            # A cancellation between two statements is lost, so it is asked until it is heard.
            while wait([summed], timeout=0.2).not_done:
                seen.session.cancel_safe()


def _pump(command: list[str], sink: Plain) -> None:
    with TemporaryFile() as said:
        process = server.start(command=command, is_fed=False, said=said)
        try:
            if process.stdout is not None:
                with process.stdout as dump:
                    for chunk in sealing.chunks(dump):
                        sink.write(chunk)
            status = process.wait()
        finally:
            server.end(process=process)
        if status != 0:
            raise DumpFailed(f"{server.reason(said=said, status=status)}. Take it again.")
        sink.finish()
