"""How backups reach the database: sessions of their own, and the server's own programs.

A password goes by the environment of the program, never by its arguments."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import pq

from noctis import errors
from noctis.embedded import EmbeddedError
from noctis.embedded.binaries import client_programs
from operations.services.backup.refusals import BackupRunning, ToolMissing

# A backup takes as long as it takes; nobody's bound on requests may end it.
UNBOUNDED = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
TAKE_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
NOT_READY = "connection to the database failed"


def live_database() -> str:
    """The name of the database that serves."""
    return str(connection.settings_dict["NAME"])


def parameters(*, database: str = "", options: str = "") -> dict[str, str]:
    """What libpq is told, and nothing that only Django or psycopg understands."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    given: dict[str, Any] = connection.get_connection_params()
    kept = {name: str(value) for name, value in given.items() if name in known and value}
    kept["options"] = f"{kept.get('options', '')} {UNBOUNDED} {options}".strip()
    return kept | ({"dbname": database} if database else {})


def connect(*, database: str = "", options: str = "") -> psycopg.Connection[Any]:
    """Open a session that no request shares, in autocommit mode."""
    told = parameters(database=database, options=options)
    try:
        return psycopg.connect(**told, autocommit=True)  # type: ignore[arg-type]  # libpq's own names
    except psycopg.OperationalError as error:
        line = (str(error).strip().splitlines() or [NOT_READY])[0]
        raise errors.Unavailable(line) from None


@contextmanager
def only_one(*, kind: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold a lock that the server lets go of when this process dies; a second one is refused."""
    with connect() as session:
        (is_mine,) = session.execute(TAKE_LOCK, [f"noctis.{kind}"]).fetchone() or (False,)
        if not is_mine:
            raise BackupRunning(f"Another {kind} of this database is running: wait for its end.")
        yield session


def program(*, name: str, major: int) -> Path:
    """Find a program of the server's own major version: others may write what it cannot read."""
    seen = []
    for path in _candidates(name):
        if (found := _major(path)) == major:
            return path
        seen.append(f"{path} is of version {found or 'unknown'}")
    told = "; ".join(seen) or f"{name} is not installed"
    raise ToolMissing(
        f"{told}, and the server needs version {major}: install PostgreSQL {major}'s client "
        "programs, or set BACKUP_TOOLS_DIR to their folder."
    )


def _candidates(name: str) -> Iterator[Path]:
    if settings.BACKUP_TOOLS_DIR:
        folders = [Path(settings.BACKUP_TOOLS_DIR)]
    else:
        try:
            folders = [client_programs()]
        except EmbeddedError:
            folders = []
        if in_path := shutil.which(name):
            folders.append(Path(in_path).parent)
    return (folder / name for folder in folders if (folder / name).is_file())


def _major(path: Path) -> int | None:
    try:
        asked = subprocess.run([str(path), "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = VERSION.search(asked.stdout)
    return int(said[1]) if said else None


def start(
    *, command: list[str], database: str = "", is_fed: bool, said: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a program that finds the server, and the password, in its environment.

    One that is fed reads what it is given; any other is read from."""
    told = parameters(database=database)
    variables = {
        option.envvar.decode(): told[option.keyword.decode()]
        for option in pq.Conninfo.get_defaults()
        if option.envvar and option.keyword.decode() in told
    }
    try:
        return subprocess.Popen(
            command,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"} | variables,
            stdin=subprocess.PIPE if is_fed else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if is_fed else subprocess.PIPE,
            stderr=said,
        )
    except OSError as error:
        raise ToolMissing(f"{command[0]} cannot be started: {error.strerror}.") from error


def end(*, process: subprocess.Popen[bytes]) -> None:
    """End a program that nobody waits for any more."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def reason(*, said: IO[bytes], status: int) -> str:
    """The line that matters of what a program said; never a row that it complained about."""
    said.seek(0)
    lines = said.read(1_000_000).decode(errors="replace").splitlines()
    grave = [line.strip() for line in lines if "error:" in line or "FATAL" in line]
    return (grave or [f"it ended with status {status}"])[0][:500]


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let SIGTERM unwind the block like Ctrl-C does, so that nothing half is left."""
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
