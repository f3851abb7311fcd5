"""The scheduler of beat: django-celery-beat's rows, made from code."""

from typing import Any

from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from noctis import checks, context


class Entry(ModelEntry):
    # The base's list also names `no_changes`, which is no column but a mark for its signal.
    save_fields = ["last_run_at", "total_run_count"]

    def save(self) -> None:
        """Write what beat knows and nothing else: its base writes the whole row, and a switch that
        an operator turned in that instant back with it."""
        known = {name: getattr(self.model, name) for name in self.save_fields}
        PeriodicTask.objects.filter(pk=self.model.pk).update(**known)


class Scheduler(DatabaseScheduler):
    """django-celery-beat's scheduler, without leftovers of schedules that left the code."""

    Entry = Entry

    def setup_schedule(self) -> None:
        # Celery's `beat_init` comes later than this, which writes already.
        checks.refuse_to_start_unready()
        PeriodicTask.objects.exclude(name__in=[*self.app.conf.beat_schedule]).delete()
        super().setup_schedule()

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        """Each run has a request id of its own; beat itself lives for weeks."""
        context.begin(None)
        return super().apply_async(*args, **kwargs)

    def install_default_entries(self, data: dict[str, Any]) -> None:
        """None: whatever runs is in SCHEDULES."""
