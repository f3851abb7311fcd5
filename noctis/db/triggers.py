"""Tables that only grow, kept so by PostgreSQL. `maintenance()` is the only way around."""

from collections.abc import Sequence
from typing import Any

from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.operations.special import RunSQL

from noctis.db.maintenance import SETTING

CREATE_FUNCTION = f"""
CREATE OR REPLACE FUNCTION noctis_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('{SETTING}', true) = 'on' THEN
        IF TG_OP = 'UPDATE' THEN RETURN NEW; ELSE RETURN OLD; END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA;
END $$
"""

DROP_UNUSED_FUNCTION = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgfoid = 'noctis_refuse_change'::regproc) THEN
        DROP FUNCTION noctis_refuse_change();
    END IF;
END $$
"""

# By row, because only those reach a statement that names a chunk or a partition itself.
CREATE_ROW_TRIGGER = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION noctis_refuse_change()
"""

CREATE_TRUNCATE_TRIGGER = """
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION noctis_refuse_change()
"""


class AppendOnly(RunSQL):
    """Migration operation: refuse UPDATE, DELETE and TRUNCATE of a table created before it."""

    category = OperationCategory.ADDITION

    def __init__(self, table: str) -> None:
        self.table = table
        quoted = '"' + table.replace('"', '""') + '"'
        super().__init__(
            sql=[
                CREATE_FUNCTION,
                CREATE_ROW_TRIGGER.format(table=quoted),
                CREATE_TRUNCATE_TRIGGER.format(table=quoted),
            ],
            reverse_sql=[
                f"DROP TRIGGER append_only ON {quoted}",
                f"DROP TRIGGER append_only_truncate ON {quoted}",
                DROP_UNUSED_FUNCTION,
            ],
        )

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        # RunSQL would write the statements into the migration instead of the table's name.
        return Operation.deconstruct(self)

    def describe(self) -> str:
        return f"Make {self.table} append-only"
