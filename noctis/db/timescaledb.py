"""Asks the server what it has of TimescaleDB. Decides nothing and installs nothing."""

from django.db import NotSupportedError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from noctis.db.editions import Edition

HAS_EXTENSION = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')"

# Only a privileged role may read shared_preload_libraries; everybody sees the loader's own setting.
OFFERS_EXTENSION = r"""
SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
   AND EXISTS (
       SELECT FROM pg_settings
        WHERE name = 'timescaledb.disable_load'
           OR (name = 'shared_preload_libraries' AND setting ~ '\ytimescaledb\y')
   )
"""


def has_timescaledb(connection: BaseDatabaseWrapper) -> bool:
    """Is the extension installed in this database?"""
    return _answer(connection, HAS_EXTENSION)


def offers_timescaledb(connection: BaseDatabaseWrapper) -> bool:
    """Could the extension be installed: are its files there, and did the server preload it?"""
    return _answer(connection, OFFERS_EXTENSION)


def _answer(connection: BaseDatabaseWrapper, question: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question)
        (answer,) = cursor.fetchone()
    return bool(answer)


def edition_of(connection: BaseDatabaseWrapper) -> Edition:
    """By trying: what the Apache edition lacks it refuses as a feature that is not supported."""
    if not has_timescaledb(connection):
        return Edition.POSTGRES
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            # There is no such job, so the full edition only says that it skips it.
            cursor.execute("SET LOCAL client_min_messages = warning")
            cursor.execute("SELECT alter_job(-1, if_exists => true)")
            transaction.set_rollback(True, using=connection.alias)
    except NotSupportedError:
        return Edition.APACHE
    return Edition.TIMESCALE
