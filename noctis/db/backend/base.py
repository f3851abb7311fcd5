"""django-timescaledb's backend, made safe for a server without the extension.

Must not know any model; the statements' metrics come from TIMESCALE_DB_BACKEND_BASE.
"""

import os
from typing import Any

from timescale.db.backends.postgresql.base import DatabaseWrapper as TimescaleWrapper

from noctis.db import arrays
from noctis.db.backend.schema import DatabaseSchemaEditor
from noctis.db.maintenance import maintenance
from noctis.db.pool import forget_inherited_connections
from noctis.db.timescaledb import has_timescaledb, offers_timescaledb


class DatabaseCreation(TimescaleWrapper.creation_class):
    """Remembers that this database is the test runner's own."""

    made_test_database = False

    def create_test_db(self, *args: Any, **kwargs: Any) -> str:
        name: str = super().create_test_db(*args, **kwargs)
        self.made_test_database = True
        return name


class DatabaseOperations(TimescaleWrapper.ops_class):
    """Lets the test runner's flush, and no other, empty append-only tables."""

    def execute_sql_flush(self, sql_list: list[str]) -> None:
        if not self.connection.creation.made_test_database:
            super().execute_sql_flush(sql_list)
            return
        with maintenance(using=self.connection.alias):
            super().execute_sql_flush(sql_list)


class DatabaseWrapper(TimescaleWrapper):
    SchemaEditorClass = DatabaseSchemaEditor
    creation_class = DatabaseCreation
    ops_class = DatabaseOperations

    def get_connection_params(self) -> dict[str, Any]:
        """`statement_timeout_s` is ours: what each statement of a session may take."""
        params: dict[str, Any] = super().get_connection_params()
        if limit_s := params.pop("statement_timeout_s", None):
            limit = f"{int(limit_s * 1000)}"
            bounds = f"-c statement_timeout={limit} -c idle_in_transaction_session_timeout={limit}"
            params["options"] = f"{params.get('options', '')} {bounds}".strip()
        return params

    def prepare_database(self) -> None:
        """Install the extension where the server offers it; elsewhere there is nothing to do."""
        if offers_timescaledb(self) and not has_timescaledb(self):
            super().prepare_database()


# Here and not in a Celery signal: Celery's own hook for children runs first and would close
# the parent's sessions, and gunicorn's preloading forks as well.
arrays.register()
os.register_at_fork(after_in_child=forget_inherited_connections)
