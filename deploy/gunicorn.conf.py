"""gunicorn's settings, for demo and production alike, from the environment; refuses nothing."""

import os
from typing import Any

from noctis import metric_files

host = os.environ.get("HOST") or "127.0.0.1"
bind = f"{f'[{host}]' if ':' in host else host}:{os.environ.get('PORT') or '8000'}"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = int(os.environ.get("WEB_THREADS") or 4)
worker_class = "noctis.crowds.Worker"
keepalive = 75
graceful_timeout = 10
max_requests = 0
# The application logs each request itself, as JSON.
accesslog = None
errorlog = "-"
# Otherwise a socket that takes commands appears in the home folder of whoever starts it.
control_socket_disable = True
# TRUST_PROXY alone decides who is believed; gunicorn by itself believes whoever is on this machine.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""


def post_worker_init(worker: Any) -> None:
    """gunicorn asks for a setting by two calls, and for two dozen of them in each request."""
    vars(worker.cfg).update({name: one.get() for name, one in worker.cfg.settings.items()})


def child_exit(_server: Any, _worker: Any) -> None:
    """Live gauges of a dead process must not be counted on, and its counts not be lost."""
    metric_files.fold_dead()
