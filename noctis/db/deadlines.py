"""How long a request may still take, and that the server's statements keep to it.

The web's sessions start with the whole limit as `statement_timeout`, so that a statement costs
nothing; only a request that has used up some of it sets what is left."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import TransactionStatus

from noctis import errors, faults
from noctis.db.circuit import DATABASE

# A session's own limit is let stand while it exceeds what is left by no more than this.
TOLERANCE = 1.1
NEVER = float("inf")

_deadline: ContextVar[float] = ContextVar("deadline", default=NEVER)


def remaining_s() -> float:
    """Of the request at hand; endless outside a request."""
    return _deadline.get() - time.monotonic()


@contextmanager
def within(seconds: float, *, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Bound all statements of the block together."""
    connection = connections[using]
    token = _deadline.set(time.monotonic() + seconds)
    try:
        with connection.execute_wrapper(_bounded):
            yield
    finally:
        _deadline.reset(token)
        _widen(connection)


def tighten(connection: BaseDatabaseWrapper) -> None:
    """Let the statements that follow take no longer than what is left of the request."""
    left = remaining_s()
    if left <= 0:
        raise errors.RequestTimeout
    if faults.source is not None:
        faults.strike_database(left)
    if granted_s(connection) <= left * TOLERANCE:
        return
    connection.ensure_connection()
    # A broken transaction takes nothing but its end, which needs no bound.
    if _status(connection) != TransactionStatus.INERROR:
        scope = "LOCAL" if connection.in_atomic_block else "SESSION"
        _session(connection).execute(f"SET {scope} statement_timeout = {max(1, int(left * 1000))}")
        connection.is_tightened = True  # type: ignore[attr-defined]  # undone by _widen


def granted_s(connection: BaseDatabaseWrapper) -> float:
    """What a session of this connection allows each statement from its start."""
    return float(connection.settings_dict["OPTIONS"].get("statement_timeout_s", NEVER))


def _bounded(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Django calls this around each statement of the block."""
    # What undoes must run, however late it is.
    if not str(sql).startswith("ROLLBACK"):
        tighten(context["connection"])
    result = execute(sql, params, many, context)
    DATABASE.note_success()
    return result


def _widen(connection: BaseDatabaseWrapper) -> None:
    """Give the session its own limit back, before it serves another request."""
    if not getattr(connection, "is_tightened", False):
        return
    connection.is_tightened = False  # type: ignore[attr-defined]  # set by tighten
    if connection.connection is None or _status(connection) not in (
        TransactionStatus.IDLE,
        TransactionStatus.INTRANS,
    ):
        return
    try:
        _session(connection).execute("RESET statement_timeout")
    except psycopg.Error:
        connection.close()


def _session(connection: BaseDatabaseWrapper) -> psycopg.Connection[Any]:
    """psycopg's own: these statements are no part of what the request does."""
    session: psycopg.Connection[Any] = connection.connection
    return session


def _status(connection: BaseDatabaseWrapper) -> TransactionStatus:
    return TransactionStatus(_session(connection).info.transaction_status)
