"""What the server knows of its own work: slow statements, tables, connections. Only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connection, transaction

MOST = 20
LONGEST_TEXT = 400

STANDING = """
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements'),
       EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements')
"""
# Of this database, and data alone: what defines roles or objects may hold a literal.
SLOWEST = """
SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), %(longest)s), calls, rows,
       mean_exec_time, max_exec_time, total_exec_time
FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND query ~* '^\\s*(select|insert|update|delete|with)\\y'
ORDER BY total_exec_time DESC LIMIT %(most)s
"""
TABLES = """
SELECT relname, n_live_tup, n_dead_tup, pg_total_relation_size(relid),
       seq_scan, coalesce(idx_scan, 0), greatest(last_vacuum, last_autovacuum)
FROM pg_stat_user_tables ORDER BY pg_total_relation_size(relid) DESC LIMIT %(most)s
"""
SERVER = """
SELECT blks_hit::float8 / nullif(blks_hit + blks_read, 0), xact_commit, xact_rollback, deadlocks,
       temp_bytes, (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
       current_setting('max_connections')::int,
       (SELECT extract(epoch FROM max(now() - xact_start))::float8 FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())
FROM pg_stat_database WHERE datname = current_database()
"""
NOT_OFFERED = "this server does not have pg_stat_statements; its packages bring it along"
NOT_CREATED = (
    "pg_stat_statements is there and not in this database: preload it "
    "(shared_preload_libraries), restart the server, and CREATE EXTENSION pg_stat_statements"
)
NOT_LOADED = "pg_stat_statements is not in shared_preload_libraries: add it, and restart the server"
NOT_ALLOWED = "this role may not read pg_stat_statements: GRANT pg_read_all_stats to it"


@dataclass(frozen=True)
class Statement:
    text: str
    calls: int
    rows: int
    mean_ms: float
    max_ms: float
    total_ms: float


@dataclass(frozen=True)
class Slow:
    """`why_not` says why there is no list, where there is none."""

    statements: list[Statement]
    why_not: str = ""


@dataclass(frozen=True)
class Table:
    name: str
    rows: int
    dead_rows: int
    bytes: int
    sequential_scans: int
    index_scans: int
    vacuumed_at: Any


@dataclass(frozen=True)
class Server:
    """`oldest_transaction_s` is of somebody else's; None where nobody has one open."""

    buffer_hit_rate: float | None
    commits: int
    rollbacks: int
    deadlocks: int
    temporary_bytes: int
    connections: int
    most_connections: int
    oldest_transaction_s: float | None


def slowest() -> Slow:
    """What took the most time of all, where the server counts that."""
    ((is_created, is_offered),) = _rows(STANDING)
    if not is_created:
        return Slow([], NOT_CREATED if is_offered else NOT_OFFERED)
    try:
        with transaction.atomic():
            found = _rows(SLOWEST)
    except DatabaseError as error:
        return Slow([], _why(error))
    return Slow([Statement(*row) for row in found])


def _why(error: DatabaseError) -> str:
    """Two ways in which the server says no; anything else is no matter of this report's."""
    state = getattr(error.__cause__, "sqlstate", "")
    if state not in ("55000", "42501"):
        raise error
    return NOT_LOADED if state == "55000" else NOT_ALLOWED


def tables() -> list[Table]:
    """The largest. Rows are the server's estimates."""
    return [Table(*row) for row in _rows(TABLES)]


def server() -> Server:
    ((*known,),) = _rows(SERVER)
    return Server(*known)


def _rows(statement: str) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"most": MOST, "longest": LONGEST_TEXT})
        return list(cursor.fetchall())
