"""How background tasks end, as rows for the console: each failure, and a success once a minute."""

import time
from typing import Any

import structlog
from celery import signals
from django.db import DatabaseError
from django.db.models import F
from django.utils import timezone

from noctis import context
from noctis.models import TaskOutcome

log = structlog.get_logger(__name__)
SUCCESS_EVERY_S = 60.0
# By task: when this process began the one at hand, and when it last wrote down a success.
_begun: dict[str, float] = {}
_told: dict[str, float] = {}


@signals.task_prerun.connect
def begin(task: Any, **_: Any) -> None:
    _begun[task.name] = time.monotonic()


@signals.task_success.connect
def succeed(sender: Any, **_: Any) -> None:
    end(sender.name, None)


@signals.task_failure.connect  # not sent while it will be tried again
def fail(sender: Any, exception: BaseException, **_: Any) -> None:
    end(sender.name, exception)


def end(task: str, error: BaseException | None) -> None:
    """Write it down where it is news; what cannot be written is logged and harms no task."""
    now = time.monotonic()
    if error is None and now - _told.get(task, -SUCCESS_EVERY_S) < SUCCESS_EVERY_S:
        return
    try:
        _write(task, now - _begun.get(task, now), error)
    except DatabaseError as failed:
        log.warning("task_outcome_not_kept", task=task, error=type(failed).__name__)
        return
    if error is None:
        _told[task] = now
    else:
        _told.pop(task, None)  # the recovery is news


def _write(task: str, took_s: float, error: BaseException | None) -> None:
    at = timezone.now()
    TaskOutcome.objects.get_or_create(task=task, defaults={"ended_at": at})
    row = TaskOutcome.objects.filter(task=task)
    took_ms, request_id = round(took_s * 1000), context.request_id()
    row.update(ended_at=at, took_ms=took_ms, is_failed=error is not None, request_id=request_id)
    if error is not None:
        # The kind alone: a message may hold what no log may.
        kind = type(error).__name__[:200]
        row.update(failed_at=at, error=kind, failures=F("failures") + 1)
