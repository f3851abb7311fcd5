"""What became of a backup or a restore: a row for the console, an entry in the platform's log."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from noctis import context, errors
from operations.models import Backup, Restoration
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Actor

log = structlog.get_logger(__name__)
LONGEST_DETAIL = 1000
Row = Backup | Restoration


def note(*, row: Row, action: str, actor: Actor) -> None:
    """Keep the row and tell the platform's chain, once there is one, in one transaction."""
    row.request_id = context.request_id()
    row.detail = row.detail[:LONGEST_DETAIL]
    # It stood idle for as long as the work took; a server or a proxy may have ended it.
    connection.close_if_unusable_or_obsolete()
    with transaction.atomic():
        row.save(force_insert=True)
        platform = Tenant.objects.platform().first()
        if platform is not None:
            audit.record(
                actor=actor,
                tenant=platform,
                action=action,
                subject=row,
                change=(None, _told(row)),
            )


@contextmanager
def failures_noted(*, row: Row, action: str, actor: Actor) -> Iterator[None]:
    """Keep why it failed, and let the refusal go on to whoever asked for it."""
    try:
        yield
    except (errors.Refusal, psycopg.Error) as error:
        refusal = error if isinstance(error, errors.Refusal) else errors.Unavailable(_line(error))
        row.outcome, row.failure = "failed", refusal.row.code
        row.detail = refusal.detail
        row.finished_at = timezone.now()
        try:
            note(row=row, action=action, actor=actor)
        except DatabaseError:
            # The database may be why it failed; the refusal is what has to be told.
            log.warning("failure_not_kept", action=action, failure=row.failure)
        raise refusal from error.__cause__


def _line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _told(row: Row) -> dict[str, Any]:
    names = ("path", "outcome", "failure", "sha256", "key_id", "kind", "database")
    return {name: str(getattr(row, name)) for name in names if getattr(row, name, "")}
