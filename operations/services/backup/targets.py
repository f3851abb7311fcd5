"""Databases to restore into: a temporary one, a new one, an empty one; never the live one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from operations.manifests import Source
from operations.services.backup import server
from operations.services.backup.contents import tables, timescaledb_version
from operations.services.backup.refusals import RestoreFailed, TargetRefused, VersionMismatch

# A server's own databases are nobody's to restore into.
RESERVED = ("postgres", "template0", "template1")
LONGEST_NAME = 63
OID = "SELECT oid FROM pg_database WHERE datname = current_database()"
LEFT = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
EXISTS = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)"
CREATE = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'"
# Encodings and types go with the server; the extension has to be the one that wrote the catalogue.
OFFERED = """
SELECT coalesce(array_agg(version), '{}') FROM pg_available_extension_versions
 WHERE name = 'timescaledb'
"""


@contextmanager
def temporary(*, session: psycopg.Connection[Any]) -> Iterator[str]:
    """Make a database and drop it in any case. The session holds the lock of restore tests.

    So whatever a killed test of this database left belongs to nobody, and goes first."""
    (oid,) = session.execute(OID).fetchone() or (0,)
    prefix = f"noctis_restore_test_{oid}_"
    for (left,) in session.execute(LEFT, [prefix]).fetchall():
        _drop(session, left)
    name = prefix + os.urandom(4).hex()
    _create(session, name)
    try:
        yield name
    finally:
        _drop(session, name)


@contextmanager
def new_or_empty(*, name: str) -> Iterator[None]:
    """Make the database, or take one without tables; a new one goes again if the block fails."""
    with server.connect() as session:
        (exists,) = session.execute(EXISTS, [name]).fetchone() or (False,)
        if exists:
            _refuse_filled(name)
        else:
            _create(session, name)
        try:
            yield
        except BaseException:
            if not exists:
                _drop(session, name)
            raise


def refuse_live(*, name: str) -> None:
    """Refuse the database that serves, the server's own, and names that none can have."""
    if name == server.live_database():
        raise TargetRefused(f"{name} is the live database: name one that does not exist yet.")
    if name in RESERVED or not 0 < len(name.encode()) <= LONGEST_NAME:
        raise TargetRefused("That name is the server's own, or none: name a new database.")


def require_versions(*, source: Source, session: psycopg.Connection[Any]) -> None:
    """Refuse a server that is older, or lacks the backup's very version of TimescaleDB."""
    major = session.info.server_version // 10_000
    if major < source.major:
        raise VersionMismatch(
            f"The backup is of PostgreSQL {source.major}, this server is {major}: "
            f"restore on {source.major} or newer."
        )
    if source.timescaledb is None:
        return
    (offered,) = session.execute(OFFERED).fetchone() or ([],)
    if source.timescaledb not in {timescaledb_version(session), *offered}:
        has = ", ".join(sorted(offered)) or "none"
        raise VersionMismatch(
            f"The backup is of TimescaleDB {source.timescaledb}, this server has {has}: "
            "restore on that very version, and upgrade there."
        )


def _refuse_filled(name: str) -> None:
    with server.connect(database=name) as there:
        if found := tables(there):
            raise TargetRefused(
                f"{name} is not empty (it has {found[0].name}): name one that does not exist yet."
            )


def _create(session: psycopg.Connection[Any], name: str) -> None:
    try:
        session.execute(sql.SQL(CREATE).format(sql.Identifier(name)))
    except psycopg.Error as error:
        line = str(error).strip().splitlines()[0]
        raise RestoreFailed(
            f"{name} could not be made ({line}): the role needs CREATEDB."
        ) from None


def _drop(session: psycopg.Connection[Any], name: str) -> None:
    session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
