"""What the server does by itself for a policy: hypertables, their chunks' length, compression."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from noctis.db.editions import Edition
from noctis.db.maintenance import maintenance
from operations.policies import BY_NAME, SERIES, Change, Doer, Kind, Series

COMPRESSED_AFTER = """
SELECT extract(epoch FROM (config ->> 'compress_after')::interval)::bigint / 86400
FROM timescaledb_information.jobs
WHERE proc_name IN ('policy_compression', 'policy_columnstore') AND hypertable_name = %s
  AND hypertable_schema = current_schema()
"""
# A job that never ran, or never succeeded, has no number there, or a time that is infinitely far.
STATISTICS = """
SELECT nullif(told.last_run_started_at, '-infinity'),
       nullif(told.last_successful_finish, '-infinity'),
       nullif(told.next_start, '-infinity'),
       coalesce(told.total_runs, 0), coalesce(told.total_failures, 0),
       CASE WHEN told.last_run_status = 'Failed' THEN (
           SELECT left(failed.err_message, 200) FROM timescaledb_information.job_errors failed
           WHERE failed.job_id = told.job_id ORDER BY failed.start_time DESC LIMIT 1) END
FROM timescaledb_information.jobs job JOIN timescaledb_information.job_stats told USING (job_id)
WHERE job.proc_name IN ('policy_compression', 'policy_columnstore') AND job.hypertable_name = %s
  AND job.hypertable_schema = current_schema()
"""
CREATE = """
SELECT create_hypertable(%s::regclass, %s, chunk_time_interval => %s * interval '1 day',
                         create_default_indexes => false, migrate_data => true)
"""
SET_INTERVAL = "SELECT set_chunk_time_interval(%s::regclass, %s * interval '1 day')"
COMPRESS = "SELECT add_compression_policy(%s::regclass, compress_after => %s * interval '1 day')"
STOP_COMPRESSING = "SELECT remove_compression_policy(%s::regclass, if_exists => true)"


def compressed_after_days(*, series: Series, edition: Edition) -> int | None:
    """Read the server's own job; None where there is none."""
    if edition != Edition.TIMESCALE:
        return None
    with connection.cursor() as cursor:
        cursor.execute(COMPRESSED_AFTER, [series.table])
        found = cursor.fetchone()
    return int(found[0]) if found else None


@dataclass(frozen=True)
class JobStatistics:
    """How a job of the server's went, by its own record."""

    started_at: datetime | None
    finished_at: datetime | None
    next_at: datetime | None
    runs: int
    failures: int
    # Of the last run, if that failed.
    last_error: str | None = None


def compression_statistics(*, series: Series) -> JobStatistics | None:
    """Read how the server's compression went; None where it never ran. Full edition only."""
    with connection.cursor() as cursor:
        cursor.execute(STATISTICS, [series.table])
        found = cursor.fetchone()
    return JobStatistics(*found) if found else None


def apply(*, change: Change, edition: Edition) -> None:
    """Have the server do its part of a change; what beat does needs nothing of it."""
    policy = BY_NAME[change.name]
    if change.doer != Doer.SERVER:
        return
    series = SERIES[policy.subject]
    if policy.kind == Kind.CHUNKS:
        _set_chunks(series, change)
    elif policy.kind == Kind.COMPRESSION:
        _set_compression(series, change)


def _set_chunks(series: Series, change: Change) -> None:
    """A plain table becomes a hypertable with its rows in it; the lock is long where it is full."""
    if change.before is None:
        # Moving the rows ends with a TRUNCATE of what is an append-only table.
        with maintenance():
            _run(CREATE, series.table, series.time, change.after)
    else:
        _run(SET_INTERVAL, series.table, change.after)


def _set_compression(series: Series, change: Change) -> None:
    """A changed number replaces the job: adding it again would silently keep the old one."""
    _run(STOP_COMPRESSING, series.table)
    if change.after is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE {series.table} SET (timescaledb.compress,"
            f" timescaledb.compress_segmentby = '{', '.join(series.segment_by)}',"
            f" timescaledb.compress_orderby = '{series.time}')"
        )
    _run(COMPRESS, series.table, change.after)


def _run(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
