"""A worker process on the test's own servers: takes a task, keeps the request's id."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from celery import signals
from celery.utils.dispatch import Signal
from django.db import connection

from noctis import celery, context
from noctis.beat import Scheduler
from tenants.models import AuditEntry, ServiceClientKey
from tenants.services import clients
from tenants.tasks import count_active_tenants, revoke_expired_keys
from tests.factories import ACTOR, KeyFactory

REPOSITORY = Path(__file__).resolve().parents[2]
WITHIN_S = 30


def database_url() -> str:
    """The address of the test database, for another process."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))


@pytest.fixture
def worker(committed_rows: None, tmp_path: Path) -> Iterator[Path]:
    """A worker process; the file that it logs to."""
    log = tmp_path / "worker.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", "noctis.celery", "worker"),
                "--pool=solo",
                "--loglevel=INFO",
            ],
            cwd=REPOSITORY,
            env=os.environ | {"DATABASE_URL": database_url()},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield log
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(WITHIN_S)


def until(is_done: Callable[[], object], log: Path) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not is_done():
        assert time.monotonic() < deadline, log.read_text()[-2_000:]
        time.sleep(0.05)


def audited(log: Path) -> list[dict[str, str]]:
    told = [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
    return [line for line in told if line["event"] == "audit"]


def expired_key() -> ServiceClientKey:
    key = KeyFactory().key
    clients.rotate_key(client=key.client, overlap=timedelta(0), actor=ACTOR)
    return key


@pytest.mark.stack
def test_a_worker_takes_a_task_under_the_request_that_sent_it(worker: Path) -> None:
    key = expired_key()
    context.begin("the-request-of-a-test")

    revoke_expired_keys.delay()

    revoked = AuditEntry.objects.filter(action="key.revoke", object_id=key.kid)
    until(revoked.exists, worker)
    assert revoked.get().request_id == "the-request-of-a-test"
    until(lambda: audited(worker), worker)
    (line,) = audited(worker)
    assert line["request_id"] == "the-request-of-a-test"
    assert line["task"] == "tenants.tasks.revoke_expired_keys"


@pytest.mark.parametrize("offered", [None, "", "two words", "x" * 65])
def test_a_task_without_a_proper_request_id_gets_one_of_its_own(offered: str | None) -> None:
    context.begin("somebody-else")
    count_active_tenants.push_request(request_id=offered)

    celery.take_request_id(count_active_tenants)
    count_active_tenants.pop_request()

    assert context.REQUEST_ID.fullmatch(context.request_id())
    assert context.request_id() not in ("somebody-else", offered)


def test_a_task_is_nobody_s_request() -> None:
    context.begin("somebody-else")
    context.called_by("heron", "reader")
    count_active_tenants.push_request(request_id="asked-1")

    celery.take_request_id(count_active_tenants)
    count_active_tenants.pop_request()

    assert context.caller() is None


def test_each_scheduled_run_has_a_request_id_of_its_own(committed_rows: None) -> None:
    scheduler = Scheduler(app=celery.app)
    scheduler._finalize.cancel()  # it would write to the database when this process ends
    entry = scheduler.schedule["count active tenants"]
    sent: list[str] = []

    def note(headers: dict[str, str], **_: object) -> None:
        sent.append(headers["request_id"])

    with listening(signals.before_task_publish, note):
        for _ in range(2):
            scheduler.apply_async(entry, advance=False)

    assert len(set(sent)) == 2


@contextmanager
def listening(signal: Signal, receiver: Callable[..., None]) -> Iterator[None]:
    signal.connect(receiver)
    try:
        yield
    finally:
        signal.disconnect(receiver)
        celery.app.control.purge()
