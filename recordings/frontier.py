"""What an export is about: for each recording, after which instant and through which one.

Rows are then chosen by these instants and not by a snapshot, so nothing is held open for long, and
what is committed meanwhile waits for the next increment.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from noctis import errors

# Each kind's newest instant, recording by recording. Epochs and labels get theirs under the
# recording's lock, each later than the one before, so in the order of commits. A recording is one
# row that changes: another instant than the mark's means that its last state was not told yet.
NEWEST = {
    "epochs": """
        SELECT tenant_id, id AS recording_id, last_epoch_received_at AS through
        FROM recordings_recording
        WHERE status <> 'erasing' AND last_epoch_received_at IS NOT NULL
    """,
    "labels": """
        SELECT tenant_id, recording_id, max(created_at) AS through
        FROM recordings_labelset GROUP BY tenant_id, recording_id
    """,
    "recordings": """
        SELECT tenant_id, id AS recording_id, updated_at AS through
        FROM recordings_recording WHERE status <> 'erasing'
    """,
}
CREATE = """
CREATE TEMPORARY TABLE export_frontier (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id integer NOT NULL, recording_id integer NOT NULL,
    after timestamptz NOT NULL, through timestamptz NOT NULL)
"""
GATHER = """
INSERT INTO export_frontier (tenant_id, recording_id, after, through)
SELECT newest.tenant_id, newest.recording_id, coalesce(mark.through, '-infinity'), newest.through
FROM ({newest}) AS newest
LEFT JOIN recordings_exportmark AS mark
    ON %(since_last)s AND mark.kind = %(kind)s AND mark.tenant_id = newest.tenant_id
    AND mark.recording_id = newest.recording_id
WHERE newest.tenant_id = ANY(%(tenants)s) AND newest.through IS DISTINCT FROM mark.through
ORDER BY newest.tenant_id, newest.recording_id
"""
# The mark of no recording is the chain of increments: when the last one was made.
CHAIN = 0
CHAINED = """
SELECT tenant.slug, mark.through
FROM tenants_tenant AS tenant
LEFT JOIN recordings_exportmark AS mark
    ON mark.tenant_id = tenant.id AND mark.kind = %(kind)s AND mark.recording_id = 0
WHERE tenant.id = ANY(%(tenants)s) ORDER BY tenant.slug
"""
NOW = """
SELECT greatest(clock_timestamp(), max(through) + interval '1 microsecond')
FROM recordings_exportmark WHERE kind = %(kind)s AND recording_id = 0
"""
ADVANCE = """
INSERT INTO recordings_exportmark (tenant_id, kind, recording_id, through)
SELECT tenant_id, %(kind)s, recording_id, through FROM export_frontier
UNION ALL SELECT unnest(%(tenants)s), %(kind)s, 0, %(through)s
ON CONFLICT (tenant_id, kind, recording_id) DO UPDATE SET through = excluded.through
"""


class ExportRunning(errors.Conflict):
    row = errors.registered(
        "export_running",
        409,
        "Another increment is being exported",
        "Increments of one kind are made one after the other, or a row could come twice.",
        "Wait for the other one to end.",
    )


@dataclass(frozen=True)
class Frontier:
    """Gathered in a table of this connection; `follows` is each tenant's increment before."""

    kind: str
    tenants: Sequence[int]
    through: datetime
    follows: dict[str, datetime | None]

    def advance(self) -> None:
        """Set the marks; to be committed once the rows are where they belong."""
        _execute(ADVANCE, self._values)

    @property
    def _values(self) -> dict[str, Any]:
        return {"kind": self.kind, "tenants": list(self.tenants), "through": self.through}


@contextmanager
def gathered(kind: str, tenants: Sequence[int], *, since_last: bool) -> Iterator[Frontier]:
    """The frontier of an export, for as long as the block lasts."""
    values: dict[str, Any] = {"kind": kind, "tenants": list(tenants), "since_last": since_last}
    _execute("DROP TABLE IF EXISTS export_frontier")
    _execute(CREATE)
    try:
        ((through,),) = _execute(NOW, values)
        follows = dict(_execute(CHAINED, values)) if since_last else {}
        _execute(GATHER.format(newest=NEWEST[kind]), values)
        _execute("ANALYZE export_frontier")
        yield Frontier(kind, tenants, through, follows)
    finally:
        if not connection.needs_rollback and connection.is_usable():
            _execute("DROP TABLE export_frontier")


@contextmanager
def alone(kind: str) -> Iterator[None]:
    """One increment of a kind at a time; the lock ends with the block, or with the connection."""
    name = {"name": f"noctis export {kind}"}
    ((is_ours,),) = _execute("SELECT pg_try_advisory_lock(hashtextextended(%(name)s, 0))", name)
    if not is_ours:
        raise ExportRunning
    try:
        yield
    finally:
        if connection.is_usable():
            _execute("SELECT pg_advisory_unlock(hashtextextended(%(name)s, 0))", name)


def _execute(statement: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []
