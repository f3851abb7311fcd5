"""Is the process alive, can it serve, and its numbers. Open to probes: states, not causes."""

from collections.abc import Callable

import structlog
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    generate_latest,
)
from redis.exceptions import RedisError

from inference import serving
from noctis import errors, metric_files
from noctis.db import timescaledb
from noctis.methods import read_only

log = structlog.get_logger(__name__)
_migrated = False
_edition = ""


@read_only
def healthz(request: HttpRequest) -> HttpResponse:
    """The process lives; asks nobody else, so a database outage restarts no web server."""
    return JsonResponse({"status": "ok"})


def database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.warning("readiness_failed", part="database", error=type(error).__name__)
        return "unreachable"
    return "ok"


def migrations() -> str:
    """Asked until it is true once: a schema does not become older under a running process."""
    global _migrated
    if _migrated:
        return "ok"
    try:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "unknown"
    return "ok" if _migrated else "pending"


def edition() -> str:
    """Asked until it is told once: a server changes its edition by a restart, or by a move."""
    global _edition
    if not _edition:
        try:
            _edition = timescaledb.edition_of(connection).value
        except DatabaseError:
            return "unknown"
    return _edition


def redis() -> str:
    try:
        cache.get("readyz")
    except RedisError as error:
        log.warning("readiness_failed", part="redis", error=type(error).__name__)
        return "unreachable"
    return "ok"


def model() -> str:
    """Until what should serve has passed its self-test here, this process predicts nothing."""
    try:
        now = serving.current()
    except (DatabaseError, errors.Unavailable):
        return "unknown"
    except (errors.Refusal, OSError, RuntimeError, ValueError):
        log.exception("readiness_failed", part="model")
        return "unknown"
    if now.is_ready:
        return "ok"
    return ": ".join(["not loaded", *now.codes[:1]]) if now.chosen else "none serves"


NEEDED: dict[str, Callable[[], str]] = {"database": database, "migrations": migrations}
# Ingest goes on without Redis, where limits fall back to each process, and without a model.
NEEDED_FOR_ALL: dict[str, Callable[[], str]] = NEEDED | {"redis": redis, "model": model}


@read_only
def readyz(request: HttpRequest) -> HttpResponse:
    """503 names what is missing. `?for=ingest` asks only for what taking in nights needs."""
    parts = NEEDED if request.GET.get("for") == "ingest" else NEEDED_FOR_ALL
    states = {name: ask() for name, ask in parts.items()}
    missing = [name for name, state in states.items() if state != "ok"]
    body = {
        "status": "not ready" if missing else "ready",
        "missing": missing,
        "parts": states,
        "edition": edition() if states["database"] == "ok" else "unknown",
    }
    return JsonResponse(body, status=503 if missing else 200)


@read_only
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format, summed over all processes where they share a folder."""
    return HttpResponse(generate_latest(metric_files.registry()), content_type=CONTENT_TYPE_LATEST)
