"""Staged nights and applied policies, for tests of what is kept of them."""

from datetime import datetime, timedelta

from django.db import connection

from inference.services import staging
from operations.policies import EPOCHS, SERIES
from operations.services import policies, retention
from operations.services.policies import Decision
from operations.services.retention import Taken
from recordings.models import Recording
from tenants.models import Tenant
from tests.factories import ACTOR
from tests.inference.staged import closed

DECISION = Decision(ACTOR, "for a test")


def staged(tenant: Tenant, count: int = 60, started_at: datetime | None = None) -> Recording:
    night = closed(tenant, count, started_at)
    staging.stage_night(recording_id=night.pk)
    night.refresh_from_db()
    return night


def apply() -> policies.Plan:
    return policies.apply(plan_hash=policies.plan().hash, decision=DECISION)


def days_after(night: Recording, days: float) -> datetime:
    return night.started_at + timedelta(days=days)


def let_go(at: datetime, series: str = EPOCHS.name) -> Taken:
    return retention.let_go(series=SERIES[series], at=at, actor=ACTOR)


def rows_of(night: Recording, series: str = EPOCHS.name) -> int:
    """Counted from the table itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {SERIES[series].table} WHERE recording_id = %s", [night.pk]
        )
        return cursor.fetchone()[0]
