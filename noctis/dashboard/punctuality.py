"""When a schedule runs next, and whether it should have run by now."""

from datetime import datetime, timedelta

from django.utils import timezone
from django_celery_beat.models import PeriodicTask

# Beat writes down what it ran every three minutes, and is itself away while it restarts.
GRACE = timedelta(minutes=5)


def next_run(schedule: PeriodicTask) -> datetime | None:
    """By its own clock; None where it is off, or was never started by beat."""
    if not schedule.enabled or schedule.last_run_at is None:
        return None
    last = schedule.last_run_at
    # Asked of the last run's own instant: `is_due` would ask of now.
    remaining: timedelta = schedule.schedule.remaining_estimate(last)
    return timezone.now() + remaining


def is_overdue(schedule: PeriodicTask, at: datetime) -> bool:
    """Later than its next run by more than beat's own unpunctuality."""
    due = next_run(schedule)
    return due is not None and due + GRACE < at
