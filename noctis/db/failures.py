"""What a failure of the database is: lost, timed out or in another transaction's way. Pure.

Knows Django's exceptions and psycopg's own, which come from cursors that bypass Django's.
"""

import psycopg
from django.db import InterfaceError, OperationalError

from noctis import errors

FAILURES = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)

QUERY_CANCELED = "57014"
CONTENTION = {"40001": "serialisation", "40P01": "deadlock"}
# Classes and codes of a server that is going, gone, not there yet, or takes nobody in.
UNREACHABLE = ("08", "57P01", "57P02", "57P03", "57P05", "53300", "25P03")


def sqlstate(error: BaseException) -> str | None:
    """What the server said; None where it said nothing, as when it is gone."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None


def is_timeout(error: BaseException) -> bool:
    return isinstance(error, FAILURES) and sqlstate(error) == QUERY_CANCELED


def is_contention(error: BaseException) -> bool:
    """Rolled back by the server, in favour of another transaction."""
    return sqlstate(error) in CONTENTION


def is_connectivity(error: BaseException) -> bool:
    """The server could not be reached, or was lost on the way."""
    if not isinstance(error, FAILURES):
        return False
    state = sqlstate(error)
    return state is None or state.startswith(UNREACHABLE)


def as_refusal(error: Exception) -> errors.Refusal | None:
    """What the caller is told; None for a failure that is no matter of the server's."""
    if is_timeout(error):
        return errors.RequestTimeout()
    if isinstance(error, FAILURES):
        return errors.Unavailable()
    return None
