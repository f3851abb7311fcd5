"""Locks on a name instead of a row: for an order among writers that would meet on the rows."""

from django.db import connection

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def hold_until_commit(kind: str, key: int) -> None:
    """Let one transaction at a time do this kind of thing to this object; the others wait."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [f"{kind}:{key}"])
