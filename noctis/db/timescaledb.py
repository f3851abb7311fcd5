"""Asks the server what it has of TimescaleDB. Decides nothing and installs nothing."""

from django.db.backends.base.base import BaseDatabaseWrapper

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
