"""How fast the platform is: percentiles of all processes together, and what each one tells."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone

from noctis import metric_files, metrics
from noctis.models import Traffic
from operations import processes
from operations.services import performance
from tests.calling import calling_as
from tests.factories import PlatformFactory
from tests.source_tree import REPOSITORY

COUNT = """
import sys
import noctis.wsgi
from noctis import metrics
for seconds in map(float, sys.argv[1:]):
    metrics.INFERENCE_DURATION.labels(staging_pass="live").observe(seconds)
    metrics.CACHE_HITS.labels(kept_in="log").inc()
metrics.CACHE_MISSES.labels(kept_in="log").inc()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> Path:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    settings.SHARES_METRICS = True
    return tmp_path


def process(folder: Path, *seconds: float) -> None:
    words = [sys.executable, "-c", COUNT, *map(str, seconds)]
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    subprocess.run(words, env=environment, cwd=REPOSITORY, check=True, timeout=60)


@pytest.mark.django_db
def test_percentiles_are_of_all_processes_and_of_no_averages(folder: Path) -> None:
    process(folder, *[0.004] * 95)
    process(folder, *[0.9] * 5)

    found = performance.performance(at=timezone.now())

    assert found.is_shared
    assert (found.inference.count, found.cache_hit_rate) == (100, pytest.approx(100 / 102))
    assert found.inference.p50_ms == pytest.approx(2.5 + 2.5 * 50 / 95)
    assert found.inference.p95_ms == pytest.approx(5.0)
    assert found.inference.p99_ms == pytest.approx(700 + 300 * 4 / 5)
    counts = sorted(row.inference.count for row in found.processes)
    assert counts == [5, 95]
    slow = next(row for row in found.processes if row.inference.count == 5)
    assert slow.inference.p50_ms == pytest.approx(850.0)
    assert (slow.memory_bytes, slow.uptime_s) == (None, None)


@pytest.mark.django_db
def test_what_the_dead_counted_is_told_as_such_and_the_living_have_memory_and_age(
    folder: Path,
) -> None:
    process(folder, 0.1, 0.1)
    metric_files.fold_dead()

    (gone,) = performance.performance(at=timezone.now()).processes

    assert (gone.name, gone.inference.count, gone.memory_bytes) == ("gone", 2, None)
    assert 1_000_000 < (processes.memory_bytes(os.getpid()) or 0) < 4_000_000_000
    assert 0 < (processes.uptime_s(os.getpid()) or 0) < 100_000
    assert processes.memory_bytes(2**22 + 1) is None


@pytest.mark.django_db
def test_the_last_minutes_outlive_every_process() -> None:
    now = timezone.now()
    counts = [0] * (len(metrics.INFERENCE_BUCKETS) + 1)
    counts[metrics.INFERENCE_BUCKETS.index(0.1)] = 10
    for minutes_ago, epochs in ((2, 300), (50, 3300)):
        at = now - timedelta(minutes=minutes_ago)
        Traffic.objects.create(minutes=Traffic.MINUTE, at=at, predicting=counts, epochs=epochs)

    spans = {span.window: span for span in performance.performance(at=now).spans}

    assert (spans["5m"].inference.count, spans["1h"].inference.count) == (10, 20)
    assert (spans["5m"].epochs_per_s, spans["1h"].epochs_per_s) == (1.0, 1.0)
    assert spans["5m"].inference.p50_ms == pytest.approx(75.0)


@pytest.mark.django_db
def test_it_is_answered_to_the_platforms_own_and_to_no_customer() -> None:
    platform = PlatformFactory()

    body = calling_as("admin", platform)("GET", "/internal/performance").json()

    assert body["circuit"] == "closed"
    assert body["pool"]["kind"] == "one for each thread"
    (own,) = body["processes"]
    assert own["memory_bytes"] > 1_000_000
    assert body["memory_bytes"] == own["memory_bytes"]
    assert not body["is_shared"]
