"""Backups that are broken off: stopped, killed, or met by a second one. Nothing half stays."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from operations.services.backup import restore, server
from operations.services.backup.refusals import BackupRunning
from tests.factories import ACTOR, TenantFactory
from tests.operations.backups import left_in, take

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_rows"),
]
WAITING = """
SELECT count(*) FROM pg_locks
 WHERE relation = 'recordings_epoch'::regclass AND NOT granted
"""


@pytest.fixture
def standstill() -> Iterator[psycopg.Connection[Any]]:
    """A table that nobody may read: whoever dumps it waits until the block ends."""
    with server.connect() as session:
        session.execute("BEGIN")
        session.execute("LOCK TABLE recordings_epoch IN ACCESS EXCLUSIVE MODE")
        yield session


def start_backup(output: Path) -> subprocess.Popen[str]:
    address = connection.settings_dict
    url = (
        f"postgresql://{address['USER']}:{address['PASSWORD']}@/{address['NAME']}"
        f"?host={address['HOST']}&port={address['PORT']}"
    )
    return subprocess.Popen(
        [sys.executable, "manage.py", "backup", "--output", str(output)],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_it_waits(holder: psycopg.Connection[Any], backup: subprocess.Popen[str]) -> None:
    """Both of its sessions stand before the locked table: dump and checksums have begun."""
    deadline = time.monotonic() + 60
    while holder.execute(WAITING).fetchone() != (2,):
        assert backup.poll() is None, backup.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def arguments_of_every_process() -> str:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().decode(errors="replace"))
        except OSError:
            continue  # it ended meanwhile
    return "\n".join(found)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_backup_that_is_stopped_leaves_nothing(
    standstill: psycopg.Connection[Any], tmp_path: Path, number: signal.Signals
) -> None:
    backup = start_backup(tmp_path / "a.dump")
    wait_until_it_waits(standstill, backup)
    begun = left_in(tmp_path)

    backup.send_signal(number)
    backup.communicate(timeout=30)

    assert len(begun) == 1
    assert backup.returncode != 0
    assert left_in(tmp_path) == set()
    assert standstill.execute(WAITING).fetchone() == (0,)


def test_what_a_killed_backup_left_is_no_backup_and_goes_with_the_next(tmp_path: Path) -> None:
    TenantFactory()
    with server.connect() as holder:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE recordings_epoch IN ACCESS EXCLUSIVE MODE")
        backup = start_backup(tmp_path / "a.dump")
        wait_until_it_waits(holder, backup)
        backup.kill()
        backup.communicate()
        left = left_in(tmp_path)
        holder.execute("ROLLBACK")
    wait_until_nobody_backs_up()

    take(tmp_path / "a.dump")

    assert [name.startswith(".a.dump-") for name in left] == [True]
    assert left_in(tmp_path) == {"a.dump", "a.dump.manifest.json"}
    assert restore.prove_backup(path=tmp_path / "a.dump", actor=ACTOR).outcome == "equal"


def test_while_one_runs_another_is_refused_and_no_argument_tells_the_password(
    standstill: psycopg.Connection[Any], tmp_path: Path
) -> None:
    backup = start_backup(tmp_path / "a.dump")
    wait_until_it_waits(standstill, backup)

    with pytest.raises(BackupRunning):
        take(tmp_path / "b.dump")
    told = arguments_of_every_process()
    (draft,) = left_in(tmp_path)
    standstill.execute("ROLLBACK")
    out, said = backup.communicate(timeout=60)

    # A server that trusts whoever comes has none that could be told.
    password = connection.settings_dict["PASSWORD"] or "no password at all"
    assert "pg_dump\0--format=custom" in told
    assert password not in told + out + said
    assert draft.endswith(".partial")
    assert backup.returncode == 0, said
    assert left_in(tmp_path) == {"a.dump", "a.dump.manifest.json"}


def wait_until_nobody_backs_up() -> None:
    """The database ends a killed client's session when it next looks at it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with server.only_one(kind="backup"):
                return
        except BackupRunning:
            time.sleep(0.1)
