"""The page of circuits: each process that lives, since when it gave up and when it asks again."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from noctis import metric_files
from noctis.models import Traffic
from operations.services import circuits
from tests.factories import PlatformFactory
from tests.source_tree import REPOSITORY
from tests.tenants.households import as_, text

pytestmark = pytest.mark.django_db
PAGE = "/console/circuits/"
LIVE = """
import sys
import noctis.wsgi
from noctis.db.circuit import DATABASE
for _ in range(int(sys.argv[1])):
    DATABASE.note_failure("test")
print("told", flush=True)
sys.stdin.read()
"""
Starting = Callable[[int], subprocess.Popen[bytes]]


@pytest.fixture
def process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> Iterator[Starting]:
    """Starts one that fails so often to reach the database, and lives until the end."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    settings.SHARES_METRICS = True
    started: list[subprocess.Popen[bytes]] = []

    def start(failures: int) -> subprocess.Popen[bytes]:
        found = subprocess.Popen(
            [sys.executable, "-c", LIVE, str(failures)],
            env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(found)
        assert found.stdout
        assert found.stdout.readline() == b"told\n"
        return found

    yield start
    for found in started:
        found.communicate(timeout=20)


def test_each_process_tells_its_own_and_those_that_gave_up_come_first(process: Starting) -> None:
    before = time.time()
    for failures in (0, 2, 5):
        process(failures)

    gave_up, worried, well = circuits.circuits()

    assert [row.state for row in (gave_up, worried, well)] == ["open", "closed", "closed"]
    assert [row.failures for row in (gave_up, worried, well)] == [5, 2, 0]
    assert (gave_up.opened, worried.opened) == (1, 0)
    assert gave_up.opened_at
    assert gave_up.retry_at
    assert datetime.fromtimestamp(before, UTC) <= gave_up.opened_at <= timezone.now()
    assert gave_up.retry_at - gave_up.opened_at == pytest.approx(
        timedelta(seconds=1), abs=timedelta(milliseconds=100)
    )
    assert (worried.opened_at, well.retry_at, well.alone_at) == (None, None, None)


def test_the_dead_have_no_opinion(process: Starting) -> None:
    process(5).communicate(timeout=20)
    metric_files.fold_dead()

    assert circuits.circuits() == []


def test_the_page_asks_no_more_the_more_processes_there_are(process: Starting) -> None:
    page = as_("operator", PlatformFactory())
    page.get(PAGE)
    with CaptureQueriesContext(connection) as empty:
        assert "No process has told anything yet" in text(page.get(PAGE))
    process(5)
    process(1)

    with CaptureQueriesContext(connection) as full:
        shown = text(page.get(PAGE))

    assert len(full) == len(empty)
    assert 'is-down">open<' in shown
    assert 'is-ok">closed<' in shown
    assert "by its next caller" in shown or "in 0:00:0" in shown


def test_what_opened_within_a_day_is_counted() -> None:
    now = timezone.now()
    for hours, times in ((1, 2), (23, 3), (25, 40)):
        at = now - timedelta(hours=hours)
        Traffic.objects.create(minutes=Traffic.MINUTE, at=at, circuit_opened=times)
        Traffic.objects.create(minutes=Traffic.LONG, at=at, circuit_opened=times)

    assert circuits.opened_lately(at=now) == 5
