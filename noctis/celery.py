"""Celery's wiring. Tasks are `shared_task`s of the apps, so no app imports this module."""

import os
import time
from typing import Any

import structlog
from celery import Celery, signals
from django.conf import settings
from prometheus_client import start_http_server

from noctis import broker, checks, context, faults, metric_files

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "noctis.settings")

from noctis.schedules import SCHEDULES  # reads the settings

app = Celery("noctis")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = SCHEDULES
app.autodiscover_tasks()


@signals.celeryd_init.connect  # beat's scheduler asks by itself
def refuse_to_start_unready(**_: Any) -> None:
    checks.refuse_to_start_unready()


@signals.heartbeat_sent.connect  # every two seconds, by the worker itself and not by its children
def note_heartbeat(sender: Any, **_: Any) -> None:
    broker.beat(str(sender.eventer.hostname))


@signals.worker_init.connect
def serve_metrics(**_: Any) -> None:
    """Where the web cannot see what the worker's processes count."""
    if settings.WORKER_METRICS_PORT:
        start_http_server(
            settings.WORKER_METRICS_PORT, settings.WEB_HOST, registry=metric_files.registry()
        )


@signals.before_task_publish.connect
def send_request_id(headers: dict[str, Any], **_: Any) -> None:
    headers["request_id"] = context.request_id()
    headers[broker.SENT_AT] = time.time()


@signals.task_prerun.connect
def take_request_id(task: Any, **_: Any) -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task=task.name)
    if faults.source is not None:
        faults.expose("task")
    context.begin(getattr(task.request, "request_id", None))
