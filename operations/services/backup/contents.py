"""What a database holds: its server, its migrations, and a checksum of every table."""

from typing import Any

import psycopg
from psycopg import sql

from operations import checksums
from operations.checksums import Content, Table
from operations.manifests import Source

# A partition's rows count in its parent, a chunk's in its hypertable.
TABLES = r"""
SELECT n.nspname, c.relname,
       array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attname IS NOT NULL)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
   AND n.nspname !~ '^(pg_|_?timescaledb_)' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 GROUP BY n.nspname, c.relname
"""

# What a continuous aggregate has kept outlives the rows that it was made of.
AGGREGATES = """
SELECT v.view_schema || '.' || v.view_name, v.materialization_hypertable_schema,
       v.materialization_hypertable_name, array_agg(a.attname::text)
  FROM timescaledb_information.continuous_aggregates v
  JOIN pg_namespace n ON n.nspname = v.materialization_hypertable_schema
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.materialization_hypertable_name
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 GROUP BY 1, 2, 3
"""

EXTENSION = "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
HAS_MIGRATIONS = "SELECT to_regclass('public.django_migrations') IS NOT NULL"
MIGRATIONS = "SELECT app || '.' || name FROM public.django_migrations ORDER BY app, name"


def timescaledb_version(session: psycopg.Connection[Any]) -> str | None:
    """Say which TimescaleDB this database has, if any."""
    found = session.execute(EXTENSION).fetchone()
    return str(found[0]) if found else None


def tables(session: psycopg.Connection[Any]) -> list[Table]:
    """Every table that carries rows of its own, by name."""
    found = [
        Table(f"{schema}.{name}", schema, name, tuple(columns or ()))
        for schema, name, columns in session.execute(TABLES)
    ]
    if timescaledb_version(session):
        found += [
            Table(name, schema, relation, tuple(columns))
            for name, schema, relation, columns in session.execute(AGGREGATES)
        ]
    return sorted(found, key=lambda table: table.name)


def contents(session: psycopg.Connection[Any]) -> dict[str, Content]:
    """Count and sum up every table, each in one pass, as this session's transaction sees it."""
    found = {}
    for table in tables(session):
        # The names come from the catalogue, quoted.
        answer = session.execute(sql.SQL(checksums.statement(table))).fetchone()
        found[table.name] = checksums.content(answer or (0, 0, 0))
    return found


def source(*, session: psycopg.Connection[Any], edition: str) -> Source:
    """Describe the database that this session sees."""
    (database,) = session.execute("SELECT current_database()").fetchone() or ("",)
    (has_migrations,) = session.execute(HAS_MIGRATIONS).fetchone() or (False,)
    rows = session.execute(MIGRATIONS).fetchall() if has_migrations else []
    version = session.info.parameter_status("server_version") or "0"
    return Source(
        database=database,
        edition=edition,
        postgresql=version.split()[0],
        timescaledb=timescaledb_version(session),
        migrations=tuple(row[0] for row in rows),
    )


def write_text_alike(session: psycopg.Connection[Any]) -> None:
    """Settle what a row's text depends on; before the transaction that reads."""
    for statement in checksums.SESSION:
        session.execute(statement)
