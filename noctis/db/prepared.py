"""A statement by libpq's own call: it costs a fifth of what psycopg's cursor does.

For the hot path alone, and outside a transaction: nothing here begins, ends or knows of one.
"""

from collections.abc import Sequence
from typing import cast
from weakref import WeakSet

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import errors, pq
from psycopg.pq.abc import PGresult

UNKNOWN_STATEMENT = b"26000"
BINARY = 1


def session_at_hand() -> psycopg.Connection | None:
    """For `Prepared.answer`; None within a transaction, where psycopg's cursor serves."""
    # Django's proxy looks the connection up anew at each attribute.
    default = connections[DEFAULT_DB_ALIAS]
    if default.in_atomic_block:
        return None
    default.ensure_connection()
    found: psycopg.Connection = default.connection
    return found


class Prepared:
    """Prepared once in each session; parameters and answers in PostgreSQL's binary form."""

    def __init__(self, name: str, query: str, types: Sequence[int]) -> None:
        self._name = name.encode()
        self._query = query.encode()
        self._types = types
        self._formats = [BINARY] * len(types)
        self._known_to: WeakSet[psycopg.Connection] = WeakSet()

    def answer(self, session: psycopg.Connection, values: Sequence[bytes | None]) -> PGresult:
        """The rows, or psycopg's exception for what the server said."""
        if session not in self._known_to:
            self._prepare(session)
        result = self._execute(session, values)
        if result.error_field(pq.DiagnosticField.SQLSTATE) == UNKNOWN_STATEMENT:
            # psycopg forgets all of a session's statements after a ROLLBACK; nothing was done yet.
            self._prepare(session)
            result = self._execute(session, values)
        return _good(session, result, pq.ExecStatus.TUPLES_OK)

    def _prepare(self, session: psycopg.Connection) -> None:
        result = session.pgconn.prepare(self._name, self._query, self._types)
        _good(session, result, pq.ExecStatus.COMMAND_OK)
        self._known_to.add(session)

    def _execute(self, session: psycopg.Connection, values: Sequence[bytes | None]) -> PGresult:
        # The annotation there knows no NULL; the call does.
        given = cast(Sequence[bytes], values)
        return session.pgconn.exec_prepared(self._name, given, self._formats, BINARY)


def _good(session: psycopg.Connection, result: PGresult, wanted: pq.ExecStatus) -> PGresult:
    if result.status == wanted:
        return result
    if session.pgconn.status != pq.ConnStatus.OK:
        raise psycopg.OperationalError(session.pgconn.get_error_message())
    raise errors.error_from_result(result, session.info.encoding)
