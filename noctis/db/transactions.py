"""Work against the database, tried as often as is safe and never past its deadline.

A commit that nobody confirmed may have happened: only work that may be done twice is repeated."""

import random
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from itertools import count
from typing import TypeVar

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from noctis import faults, metrics
from noctis.db import deadlines, failures
from noctis.db.circuit import DATABASE

T = TypeVar("T")
log = structlog.get_logger(__name__)

# Whoever repeats all of it repeats this too; attempts within attempts would multiply.
_is_repeated: ContextVar[bool] = ContextVar("is_repeated", default=False)


def run(work: Callable[[], T], *, is_idempotent: bool, using: str = DEFAULT_DB_ALIAS) -> T:
    """Do the work in one transaction, again if it failed before its commit, for then it left
    nothing; after a commit of unknown outcome again only if it may be done twice."""
    connection = connections[using]
    is_committing = False

    def once() -> T:
        nonlocal is_committing
        is_committing = False
        with transaction.atomic(using=using):
            deadlines.tighten(connection)
            result = work()
            is_committing = True
        DATABASE.note_success()
        return result

    def may_repeat(error: Exception) -> bool:
        return is_idempotent or not is_committing or failures.is_contention(error)

    if connection.in_atomic_block or _is_repeated.get():
        return once()
    return _tried(once, connection, may_repeat)


def repeat(work: Callable[[], T], *, is_idempotent: bool, using: str = DEFAULT_DB_ALIAS) -> T:
    """Do work that has transactions of its own, or none; again only if it may be done twice."""
    connection = connections[using]
    if connection.in_atomic_block or _is_repeated.get():
        return work()
    if not is_idempotent:
        return _tried(work, connection, None)
    token = _is_repeated.set(True)
    try:
        return _tried(work, connection, _always)
    finally:
        _is_repeated.reset(token)


def _always(error: Exception) -> bool:
    return True


def _tried(
    once: Callable[[], T],
    connection: BaseDatabaseWrapper,
    may_repeat: Callable[[Exception], bool] | None,
) -> T:
    for attempt in count(1):
        DATABASE.check(partial(_reopen, connection))
        # A connection that died meanwhile shows at its first statement. Where that cannot be
        # repeated, Django asks it first, at the price of a round trip.
        connection.health_check_done = may_repeat is not None  # type: ignore[attr-defined]  # no stub
        connection.close_if_health_check_failed()
        was_open = connection.connection is not None
        try:
            return once()
        except failures.FAILURES as error:
            reason = _note(error, connection, was_open=was_open)
            delay_s = _delay_s(attempt)
            is_last = attempt >= settings.DB_RETRY_MAX_ATTEMPTS
            if not reason or is_last or may_repeat is None or not may_repeat(error):
                raise
            if delay_s >= deadlines.remaining_s():
                raise
        metrics.DB_RETRIES.labels(reason=reason).inc()
        log.warning("db_retry", reason=reason, attempt=attempt, wait_s=round(delay_s, 3))
        time.sleep(delay_s)
    raise AssertionError("count() ends never")


def _reopen(connection: BaseDatabaseWrapper) -> None:
    """The circuit's probe: a server that lets us in is there."""
    connection.close()
    if faults.source is not None:
        faults.strike_database(deadlines.remaining_s())
    connection.ensure_connection()


def _note(error: Exception, connection: BaseDatabaseWrapper, *, was_open: bool) -> str:
    """Why it may go better next time; empty where it will not."""
    if failures.is_contention(error):
        return "contention"
    if not failures.is_connectivity(error):
        return ""
    connection.close()
    # One that had been open may have been lost to a restart that is long over.
    if not was_open:
        DATABASE.note_failure(type(error).__name__)
    return "connection"


def _delay_s(attempt: int) -> float:
    """Full jitter: callers that failed together do not come back together."""
    ceiling = settings.DB_RETRY_BASE_DELAY_SECONDS * 2 ** (attempt - 1)
    return random.uniform(0, min(ceiling, settings.DB_RETRY_MAX_DELAY_SECONDS))  # noqa: S311 - no secret
