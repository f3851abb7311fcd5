"""The one door through an append-only table. Whoever opens it says so in the audit log."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections, transaction

SETTING = "noctis.maintenance"


@contextmanager
def maintenance(*, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Let the statements of this block, and none after it, change append-only tables."""
    with transaction.atomic(using=using):
        before = _current(using)
        _set_locally(using, "on")
        yield
        # An outer transaction goes on after the block. (An error takes it back by itself.)
        _set_locally(using, before)


def _current(using: str) -> str:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting(%s, true), '')", [SETTING])
        (value,) = cursor.fetchone()
    return str(value)


def _set_locally(using: str, value: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, value])
