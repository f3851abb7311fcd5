"""The scheduler of beat: django-celery-beat's rows, made from code."""

from typing import Any

from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler


class Scheduler(DatabaseScheduler):
    """django-celery-beat's scheduler, without leftovers of schedules that left the code."""

    def setup_schedule(self) -> None:
        PeriodicTask.objects.exclude(name__in=[*self.app.conf.beat_schedule]).delete()
        super().setup_schedule()

    def install_default_entries(self, data: dict[str, Any]) -> None:
        """None: whatever runs is in SCHEDULES."""
