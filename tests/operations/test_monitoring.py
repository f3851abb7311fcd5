"""What the platform tells of itself: a part that is away is reported, and fails no report."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.utils import timezone

from inference import serving
from inference.serving import board
from noctis import broker, celery
from noctis.models import TaskOutcome
from operations import statements
from operations.models import Backup, Objective, StoragePolicy
from operations.services import monitoring
from tenants.models import Tenant
from tenants.tasks import count_active_tenants
from tests.calling import calling_as
from tests.factories import PlatformFactory
from tests.source_tree import REPOSITORY

pytestmark = pytest.mark.django_db
SUMMARY = "/internal/monitoring/summary"


@pytest.fixture
def platform() -> Tenant:
    return PlatformFactory()


@pytest.fixture
def queue() -> Iterator[None]:
    """Nothing waits, and no worker was heard of."""
    celery.app.control.purge()
    broker._store().delete(broker.WORKERS)
    yield
    celery.app.control.purge()
    broker._store().delete(broker.WORKERS)


@pytest.fixture
def no_valkey(settings: LazySettings) -> Iterator[None]:
    """An address at which nothing listens."""
    broker._store.cache_clear()
    board._redis.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    yield
    broker._store.cache_clear()
    board._redis.cache_clear()


def told(name: str) -> monitoring.Part:
    found = monitoring.summary(at=timezone.now())
    return next(part for part in found.parts if part.name == name)


def test_every_part_is_told_and_the_whole_is_as_its_worst(platform: Tenant, queue: None) -> None:
    body = calling_as("admin", platform)("GET", SUMMARY).json()

    states = {part["name"]: part["state"] for part in body["parts"]}
    assert set(states) == set(monitoring.PARTS)
    assert states["database"] == states["redis"] == states["queue"] == "ok"
    # Nobody works here, and nothing was backed up.
    assert (states["workers"], states["backup"], states["objectives"]) == (
        "down",
        "degraded",
        "unknown",
    )
    assert body["state"] == "down"


def test_with_valkey_away_the_report_is_answered_and_says_so(
    platform: Tenant, no_valkey: None
) -> None:
    started = time.monotonic()

    answer = calling_as("admin", platform)("GET", SUMMARY)

    states = {part["name"]: part["state"] for part in answer.json()["parts"]}
    assert answer.status_code == 200
    assert time.monotonic() - started < 5
    assert (states["redis"], states["workers"], states["queue"]) == ("down", "unknown", "unknown")
    assert states["database"] == "ok"


def test_with_the_database_away_the_command_tells_the_rest(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "manage.py", "monitor", "--json"],
        env=os.environ
        | {"DATABASE_URL": f"postgresql:///noctis?host={tmp_path}", "LOG_LEVEL": "CRITICAL"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert run.returncode == 0, run.stderr
    states = {part["name"]: part["state"] for part in json.loads(run.stdout)["parts"]}
    assert states["database"] == states["storage"] == states["backup"] == "down"
    assert states["redis"] == states["queue"] == "ok"
    assert str(tmp_path) not in run.stdout


def test_workers_are_told_by_their_heartbeats(queue: None) -> None:
    broker.beat("celery@one")
    said = broker.Beat("celery@gone", time.time() - 2 * broker.SILENT_AFTER_S)
    broker._store().hset(broker.WORKERS, said.name, msgspec.json.encode(said))

    idle = told("workers")
    TaskOutcome.objects.create(task="x", ended_at=timezone.now())
    busy = told("workers")

    assert [*busy.facts["workers"]] == ["celery@one"]
    assert (idle.state, busy.state) == ("degraded", "ok")


def test_the_queue_tells_how_long_the_next_in_turn_has_waited(queue: None) -> None:
    for _ in range(2):
        count_active_tenants.delay()
    young = told("queue")
    later = monitoring._queue(timezone.now() + timedelta(minutes=6))

    assert (young.state, young.facts["waiting"]) == ("ok", 2)
    assert 0 <= young.facts["oldest_s"] < 30
    assert later[0] == "degraded"
    assert later[1]["oldest_s"] > 300


def test_a_model_that_fails_to_load_degrades_while_another_serves_and_none_is_down(
    settings: LazySettings,
) -> None:
    well = told("model")
    settings.ACTIVE_MODEL_VERSION = "nobody"
    serving.refresh()
    failing = told("model")
    serving.forget()

    assert well.state == "ok"
    assert (failing.state, list(failing.facts["failures"])) == ("degraded", ["model_not_found"])
    assert told("model").state == "down"


def test_policies_backups_and_objectives_that_fail_degrade() -> None:
    now = timezone.now()
    old = now - timedelta(hours=37)
    StoragePolicy.objects.filter(name="epochs.retention").update(last_error="KeyError")
    Backup.objects.create(path="a", outcome="done", started_at=old, finished_at=old, request_id="r")
    Objective.objects.create(name="inference_p95", target=1, evaluated_at=now, is_broken=True)

    assert told("storage").facts["policies_failing"] == ["epochs.retention"]
    assert told("storage").state == "degraded"
    assert told("backup").state == "degraded"
    assert (told("objectives").state, told("objectives").facts["broken"]) == (
        "degraded",
        ["inference_p95"],
    )
    Objective.objects.update(is_broken=False)
    assert told("objectives").state == "ok"
    Objective.objects.update(evaluated_at=old)
    assert told("objectives").state == "degraded"


def performance(platform: Tenant, end: str = "") -> dict[str, Any]:
    answer = calling_as("admin", platform)("GET", f"/internal/performance{end}")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_the_servers_own_counts_come_with_a_reason_where_statements_are_not_counted(
    platform: Tenant,
) -> None:
    body = performance(platform, "/stats")

    names = {row["name"] for row in body["tables"]}
    assert body["server"]["connections"] >= 1
    assert 0 < body["server"]["buffer_hit_rate"] <= 1
    assert len(names) <= statements.MOST
    assert bool(body["why_no_statements"]) != bool(body["slow_statements"])


def test_slow_statements_are_listed_where_the_server_counts_them() -> None:
    """Where it cannot, the reason is the right one of the three."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'"
        )
        is_offered = bool(cursor.fetchone()[0])
    if not is_offered:
        assert statements.slowest().why_not == statements.NOT_OFFERED
        return
    assert statements.slowest().why_not == statements.NOT_CREATED
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION pg_stat_statements")
        cursor.execute("SHOW shared_preload_libraries")
        is_loaded = "pg_stat_statements" in cursor.fetchone()[0]
        cursor.execute("SELECT 'a secret literal'")
        found = statements.slowest()
        transaction.set_rollback(True)
    assert found.why_not == ("" if is_loaded else statements.NOT_LOADED)
    assert bool(found.statements) == is_loaded
    assert "secret literal" not in str(found)
