"""The shared folder of metrics: Celery's processes count in it, and dead ones leave one file."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry

from noctis import celery, metric_files, process_names
from noctis.embedded.processes import group_members, send
from noctis.launch import ports
from tenants.tasks import count_active_tenants
from tests.noctis.test_celery import WITHIN_S, database_url
from tests.source_tree import REPOSITORY

COUNT = """
import sys
import noctis.wsgi
from noctis import metrics
metrics.ERRORS.labels(code="x").inc(2)
metrics.INFERENCE_DURATION.labels(staging_pass="live").observe(0.2)
metrics.DRIFT_SCORE.labels(model_version="m").set(float(sys.argv[1]))
metrics.MODEL_INFO.labels("live", "m").set(1)
"""
METRICS_PORT = 18_473


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return tmp_path


def process(folder: Path, score: str) -> None:
    """One that counts and dies."""
    words = [sys.executable, "-c", COUNT, score]
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    subprocess.run(words, env=environment, cwd=REPOSITORY, check=True, timeout=60)


def told(registry: CollectorRegistry | None = None) -> dict[str, float | None]:
    found = registry or metric_files.registry()
    return {
        "errors": found.get_sample_value("error_total", {"code": "x"}),
        "answers": found.get_sample_value(
            "inference_duration_seconds_count", {"staging_pass": "live"}
        ),
        "slower": found.get_sample_value(
            "inference_duration_seconds_bucket", {"staging_pass": "live", "le": "0.1"}
        ),
        "score": found.get_sample_value("drift_score_gauge", {"model_version": "m"}),
        "serving": found.get_sample_value("model_info", {"family": "live", "version": "m"}),
    }


def test_what_dead_processes_counted_stays_counted_and_their_files_go(folder: Path) -> None:
    for score in ("0.1", "0.3"):
        process(folder, score)
    before = told()

    folded = metric_files.fold_dead()
    after = told()
    process(folder, "0.2")
    metric_files.fold_dead()

    assert folded > 4
    assert before == {"errors": 4, "answers": 2, "slower": 0, "score": 0.3, "serving": 2}
    # A live gauge ends with its process; everything else is as it was.
    assert after == before | {"serving": None}
    assert told() == after | {"errors": 6, "answers": 3, "score": 0.2}
    assert {path.stem.rpartition("-")[2] for path in folder.glob("*.db")} == {metric_files.GONE}


def test_what_lives_and_what_another_host_wrote_is_left_alone(folder: Path) -> None:
    own = folder / f"counter_{process_names.HOST}-{os.getpid()}.db"
    others = folder / "counter_elsewhere-999999999.db"
    process(folder, "1")
    (dead,) = folder.glob(f"counter_{process_names.HOST}-*.db")
    for kept in (own, others):
        kept.write_bytes(dead.read_bytes())

    metric_files.fold_dead()

    assert own.exists()
    assert others.exists()
    assert not dead.exists()
    assert told()["errors"] == 6


def test_without_a_shared_folder_there_is_nothing_to_fold() -> None:
    assert metric_files.fold_dead() == 0


@pytest.fixture
def worker(committed_rows: None, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with one child, as in production."""
    with (folder / "worker.log").open("wb") as log:
        running = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", "noctis.celery", "worker"),
                *("--concurrency=1", "--loglevel=INFO"),
            ],
            cwd=REPOSITORY,
            env=os.environ
            | {
                "DATABASE_URL": database_url(),
                "HOST": ports.LOOPBACK,
                "WORKER_METRICS_PORT": str(METRICS_PORT),
            },
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    yield running
    running.send_signal(signal.SIGTERM)
    running.wait(WITHIN_S)


def active_tenants() -> float | None:
    return metric_files.registry().get_sample_value("active_tenant_count")


@pytest.mark.stack
def test_a_killed_child_of_a_worker_has_told_what_it_set(
    worker: subprocess.Popen[bytes], folder: Path
) -> None:
    count_active_tenants.delay()
    deadline = time.monotonic() + WITHIN_S
    while active_tenants() is None:
        assert time.monotonic() < deadline, (folder / "worker.log").read_text()[-2000:]
        time.sleep(0.1)
    before = active_tenants()
    with urlopen(f"http://{ports.LOOPBACK}:{METRICS_PORT}/metrics", timeout=5) as answer:
        served = answer.read().decode()

    (child,) = [row for row in group_members(worker.pid) if row.pid != worker.pid]
    send(child.pid, signal.SIGKILL)
    while Path(f"/proc/{child.pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    folded = metric_files.fold_dead()
    celery.app.control.purge()

    assert folded > 0
    assert active_tenants() == before
    assert f"active_tenant_count {before}" in served
