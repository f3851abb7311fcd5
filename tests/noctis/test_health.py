"""Alive, ready, and ready for ingest, also where a server is away."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from tests.source_tree import REPOSITORY

ASK = """
import json, sys
import noctis.wsgi
from django.test import Client

answers = [Client().get(path) for path in sys.argv[1:]]
print(json.dumps([[answer.status_code, answer.json()] for answer in answers]))
"""
PATHS = ["/healthz", "/readyz", "/readyz?for=ingest"]


def ask_a_process(**changes: str) -> list[tuple[int, dict[str, Any]]]:
    """A web process of its own, so that no pool or connection is there already."""
    run = subprocess.run(
        [sys.executable, "-c", ASK, *PATHS],
        env=os.environ | {"LOG_LEVEL": "CRITICAL"} | changes,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return [(status, body) for status, body in json.loads(run.stdout)]


def migrated_database() -> str:
    """The address of this run's test database, for another process."""
    parts = urlsplit(settings.DATABASE_URL)
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))


@pytest.fixture
def no_valkey(settings: Settings, tmp_path: Path) -> None:
    backend = settings.CACHES["default"]
    settings.CACHES = {"default": backend | {"LOCATION": f"unix://{tmp_path}/gone.sock"}}


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_all_is_well(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.json()["status"] in ("ok", "ready")


def test_without_a_database_the_process_lives_and_says_what_is_missing(tmp_path: Path) -> None:
    gone = f"postgresql:///noctis?host={tmp_path}"

    alive, ready, ready_for_ingest = ask_a_process(DATABASE_URL=gone, DB_POOL_TIMEOUT_SECONDS="1")

    assert alive == (200, {"status": "ok"})
    assert (ready[0], ready[1]["missing"]) == (503, ["database", "migrations", "model"])
    assert ready[1]["parts"]["redis"] == "ok"
    assert (ready_for_ingest[0], ready_for_ingest[1]["missing"]) == (
        503,
        ["database", "migrations"],
    )


@pytest.mark.django_db
def test_a_migrated_database_is_ready_and_an_empty_one_is_pending() -> None:
    _, ready, _ = ask_a_process(DATABASE_URL=migrated_database())
    _, not_ready, _ = ask_a_process()

    assert ready[0] == 200
    assert (not_ready[0], not_ready[1]["missing"]) == (503, ["migrations", "model"])
    assert not_ready[1]["parts"]["migrations"] == "pending"


@pytest.mark.django_db
def test_without_valkey_the_platform_is_ready_for_ingest_only(
    client: Client, no_valkey: None
) -> None:
    ready, ready_for_ingest = client.get("/readyz"), client.get("/readyz?for=ingest")

    assert (ready.status_code, ready.json()["missing"]) == (503, ["redis"])
    assert (ready_for_ingest.status_code, ready_for_ingest.json()["missing"]) == (200, [])


@pytest.mark.django_db
def test_without_a_model_the_platform_is_ready_for_ingest_only(
    client: Client, settings: Settings
) -> None:
    settings.ACTIVE_MODEL_VERSION = "nobody"

    ready, ready_for_ingest = client.get("/readyz"), client.get("/readyz?for=ingest")

    assert (ready.status_code, ready.json()["missing"]) == (503, ["model"])
    assert ready.json()["parts"]["model"] == "not loaded: model_not_found"
    assert (ready_for_ingest.status_code, ready_for_ingest.json()["missing"]) == (200, [])


@pytest.mark.django_db
def test_an_outage_is_told_without_its_cause(client: Client, no_valkey: None) -> None:
    assert "gone.sock" not in client.get("/readyz").content.decode()


def test_a_probe_needs_no_token_and_takes_only_reads(client: Client) -> None:
    refused = client.post("/healthz")

    assert client.head("/healthz").status_code == 200
    assert refused.status_code == 405
    assert refused["Allow"] == "GET, HEAD"
    assert refused.json()["code"] == "method_not_allowed"


def test_the_numbers_come_in_prometheus_own_format(client: Client) -> None:
    answer = client.get("/metrics")

    assert answer["Content-Type"].startswith("text/plain")
    assert b"# TYPE error_total counter" in answer.content


def test_the_numbers_of_all_processes_are_added_up(tmp_path: Path) -> None:
    count = "from noctis import metrics; metrics.ERRORS.labels(code='x').inc()"
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", count], env=environment, cwd=REPOSITORY, check=True, timeout=60
        )
    read = (
        "import noctis.wsgi; from django.test import Client; print(Client().get('/metrics').text)"
    )

    shown = subprocess.run(
        [sys.executable, "-c", read],
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout

    assert 'error_total{code="x"} 2.0' in shown
