"""Production's demands, asked of a real process: it refuses with a line for each, or passes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from inference.checks import model_is_present
from inference.models import Serving
from inference.services import shipped
from noctis import checks
from noctis.embedded import postgres as embedded
from noctis.embedded.temporary import temporary_home
from noctis.launch import web
from tests.source_tree import REPOSITORY

GOOD = {
    "NOCTIS_ENV": "production",
    "SECRET_KEY": "q7Rk2ZtVw9XyB4nM6pLs8dFgH3jKc5TaE1uQiOvPzWxYb0NrJm",
    "ENCRYPTION_KEYS": "8cozhW9kSi5poZ6TWFuMCyVuUcCbyhFZAmQu8QVBrGc=",
    "DATABASE_URL": "postgresql://noctis:unused@db.invalid/noctis",
    "REDIS_URL": "redis://cache.invalid:6379/0",
    "ALLOWED_HOSTS": "noctis.example",
}
# What a process needs to run at all, and nothing that this test run has set.
KEPT = ("PATH", "LANG")
# And what measures it, in either way.
KEPT += ("PYTHONPATH", "COVERAGE_LINES", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


def run(arguments: list[str], **changes: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        env=kept | GOOD | changes,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )


def start(**changes: str) -> subprocess.CompletedProcess[str]:
    environment = {"DJANGO_SETTINGS_MODULE": "noctis.settings"} | changes
    return run(["-c", "import noctis.wsgi"], **environment)


def test_good_settings_start() -> None:
    started = start()

    assert started.returncode == 0
    # At an address without servers: what follows the models may say so meanwhile.
    assert [line for line in started.stderr.splitlines() if "serving_not" not in line] == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"SECRET_KEY": ""}, "noctis.E001"),
        ({"SECRET_KEY": "Zk3pQ9"}, "noctis.E001"),
        ({"SECRET_KEY": "django-insecure-" + GOOD["SECRET_KEY"]}, "noctis.E001"),
        ({"SECRET_KEY": "change-me-" * 6}, "noctis.E001"),
        ({"SECRET_KEY": "abc" * 20}, "noctis.E001"),
        ({"ENCRYPTION_KEYS": ""}, "noctis.E002"),
        ({"ENCRYPTION_KEYS": "A" * 43 + "="}, "noctis.E002"),
        ({"DEBUG": "1"}, "noctis.E003"),
        ({"DATABASE_URL": ""}, "noctis.E004"),
        ({"REDIS_URL": ""}, "noctis.E005"),
        ({"ALLOWED_HOSTS": ""}, "noctis.E006"),
        ({"ALLOWED_HOSTS": "noctis.example,*"}, "noctis.E006"),
        ({"SECURE_COOKIES": "off"}, "noctis.E007"),
        ({"SECOND_FACTOR_REQUIRED": "off"}, "noctis.E008"),
        ({"ENCRYPTION_KEYS": "correct-horse-battery-staple"}, "noctis.E010"),
    ],
    ids=lambda value: value if isinstance(value, str) else "=".join(*value.items())[:24],
)
def test_a_demand_that_is_not_met_is_one_line_with_its_id(
    changes: dict[str, str], expected: str
) -> None:
    refused = start(**changes)

    (line,) = refused.stderr.splitlines()
    assert refused.returncode == 3, "gunicorn starts a worker again for ever on any other status"
    assert line.startswith(f"{expected}: ")
    assert all(value not in line for value in changes.values() if len(value) > 5)


def test_all_that_is_missing_is_named_at_once() -> None:
    refused = start(SECRET_KEY="x", DEBUG="1", DATABASE_URL="", ALLOWED_HOSTS="*")

    ids = [line.partition(":")[0] for line in refused.stderr.splitlines()]
    assert ids == [f"noctis.E00{number}" for number in (1, 3, 4, 6)]


def test_gunicorn_gives_up_on_a_worker_that_refuses(tmp_path: Path) -> None:
    _python, *gunicorn = web.gunicorn()

    ended = run([*gunicorn, "-b", f"unix:{tmp_path}/web.sock"], SECRET_KEY="", WEB_CONCURRENCY="1")

    assert ended.returncode == 3
    assert ended.stderr.count("noctis.E001: ") == 1


def test_beat_refuses_before_it_writes_a_schedule() -> None:
    """At an address without a server, so that a query would be an error of its own."""
    beat = ["-m", "celery", "-A", "noctis.celery", "beat"]

    ended = run(beat, SECRET_KEY="", DATABASE_URL="postgresql:///noctis?host=/nowhere")

    assert ended.returncode == 3
    assert "noctis.E001: " in ended.stderr
    assert "OperationalError" not in ended.stderr


@pytest.mark.parametrize("name", ["PROMETHEUS_MULTIPROC_DIR", "WEB_CONCURRENCY"])
def test_good_settings_leave_the_deployment_check_nothing_to_say(name: str, tmp_path: Path) -> None:
    good = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "WEB_CONCURRENCY": "1"}

    checked = run(["manage.py", "check", "--deploy", "--fail-level", "DEBUG"], **{name: good[name]})

    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


def test_workers_that_do_not_share_their_metrics_are_warned_of() -> None:
    """A warning: the platform does its work, but a graph shows one worker at a time."""
    checked = run(["manage.py", "check", "--deploy"], WEB_CONCURRENCY="2")

    assert checked.returncode == 0
    assert "(noctis.W001)" in checked.stderr
    assert checked.stderr.count("noctis.W") == 1
    assert "1 issue" in checked.stderr


def test_the_deployment_check_explains_a_demand() -> None:
    checked = run(["manage.py", "check", "--deploy"], SECRET_KEY="too-short")

    assert checked.returncode == 1
    assert "(noctis.E001)" in checked.stderr
    assert "docs/settings.md" in checked.stderr


def test_a_developer_s_machine_needs_nothing(tmp_path: Path) -> None:
    checked = run(
        ["manage.py", "check"], **dict.fromkeys(GOOD, ""), NOCTIS_VAR_DIR=str(tmp_path / "var")
    )

    assert checked.returncode == 0, checked.stderr


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["synchronous_commit"])
def test_a_database_that_forgets_on_a_crash_is_named(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL {name} = off")

        found = checks.acknowledged_means_committed(databases=["default"])

    assert [(message.id, message.msg) for message in found] == [
        ("noctis.E022", "The database has synchronous_commit off.")
    ]


@pytest.mark.django_db
def test_a_durable_migrated_database_passes() -> None:
    named = {"databases": ["default"]}

    assert checks.acknowledged_means_committed(**named) == []
    assert checks.schema_is_migrated(**named) == []


@pytest.mark.django_db
def test_pending_migrations_are_named() -> None:
    newest = max(MigrationLoader(connection).graph.leaf_nodes("inference"))
    MigrationRecorder(connection).record_unapplied(*newest)

    found = run_checks(databases=["default"], include_deployment_checks=True)

    assert "noctis.E030" in [message.id for message in found]


@pytest.mark.django_db
def test_a_model_that_is_not_there_is_named(settings: Settings, tmp_path: Path) -> None:
    def found() -> list[str]:
        return [message.msg for message in model_is_present(databases=["default"])]

    Serving.objects.all().delete()
    none = found()
    settings.ACTIVE_MODEL_VERSION = shipped.SHIPPED[0]
    there = found()
    settings.MODELS_DIR = tmp_path

    assert none == ["No model serves."]
    assert there == []
    assert found() == [f"The artifact of {shipped.SHIPPED[0]} is not there."]


def test_a_server_in_production_refuses_a_database_that_is_behind_or_forgets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a server of its own that is started as it must not be: a line for each demand."""
    for name in checks.DURABILITY.values():
        monkeypatch.setitem(embedded.SETTINGS, name, "off")
    with temporary_home() as home:
        home.prepare()
        postgres = embedded.Postgres(home)
        postgres.start()
        try:
            started = start(DATABASE_URL=postgres.url())
        finally:
            postgres.stop()

    forgetful = [f"noctis.{c}: The database has {n} off." for c, n in checks.DURABILITY.items()]
    assert started.returncode == 3
    assert started.stderr.splitlines() == [*forgetful, "noctis.E030: Migrations are pending."]


@pytest.mark.django_db
def test_what_migrate_asks_first_does_not_refuse_it_its_work() -> None:
    newest = max(MigrationLoader(connection).graph.leaf_nodes("inference"))
    MigrationRecorder(connection).record_unapplied(*newest)

    found = run_checks(databases=["default"])

    assert "noctis.E030" not in [message.id for message in found]
