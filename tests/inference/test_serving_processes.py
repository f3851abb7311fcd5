"""Processes of their own learn of a change within a second, by Redis or without it."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from inference import serving
from inference.models import Generation, ModelEvent
from inference.services import pins, registry, reloading
from inference.services.model_events import Decision
from inference.services.pins import Place
from inference.serving import board, holder
from tests.calling import calling_as
from tests.factories import ACTOR, PlatformFactory, TenantFactory
from tests.inference.test_registry import serve, validated
from tests.mlops.judged import judge
from tests.source_tree import REPOSITORY

WITHIN_S = 30.0
# The poll's second, and what a busy machine takes for a line.
LEARNT_WITHIN_S = 4.0  # a second, as a rule; before the database is asked, which Redis spares
WATCH = """
import sys, time, django, os
django.setup()
from inference import serving
from inference.models import ModelEvent
said = None
while os.getppid() == int(sys.argv[1]):
    now = serving.current().seen_by(int(os.environ.get("SEEN_BY", "0")))
    state = f"{now.night.version if now.night else None} {now.generation}"
    if state != said:
        said = state
        print(state, flush=True)
    time.sleep(0.01)
"""
FORK = """
import os, django
django.setup()
from inference import serving
from inference.models import ModelEvent
before = serving.current()
assert before.night is not None and before.night.version == "old"
child = os.fork()
if not child:
    again = serving.current()
    fresh = again is not before and again.night.version == "old"
    fresh = fresh and serving.holder._follower.is_alive()
    os._exit(0 if fresh else 1)
assert os.waitpid(child, 0)[1] == 0
assert serving.current() is before
"""


class Watcher:
    """A process that prints each change of what serves in it."""

    def __init__(self, stack: ExitStack, **environ: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WATCH, str(os.getpid())],
            cwd=REPOSITORY,
            env=environment(**environ),
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(self._end)
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def _end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout
        self.process.stdout.close()

    def waits_for(self, version: str, within_s: float = WITHIN_S) -> float:
        """How long it took until the process served it."""
        started = time.monotonic()
        while not (self.lines and self.lines[-1].split()[0] == version):
            assert time.monotonic() - started < within_s, (version, self.lines)
            time.sleep(0.005)
        return time.monotonic() - started


def environment(**changes: str) -> dict[str, str]:
    parts = urlsplit(settings.DATABASE_URL)
    database = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
    return {
        **os.environ,
        "DATABASE_URL": database,
        "MODELS_DIR": str(settings.MODELS_DIR),
        "LOG_LEVEL": "CRITICAL",
        **changes,
    }


@pytest.fixture
def two_versions(
    committed_rows: None, store: Path, shipped_schemas: None, empty_registry: None
) -> Iterator[None]:
    board._redis().delete(board.PROCESSES)  # where those that earlier tests ended stand for seconds
    validated("old", 0)
    validated("new", 1)
    serve("old")
    yield
    board.forget_process()


def test_two_processes_learn_of_a_change_within_a_second(two_versions: None) -> None:
    with ExitStack() as stack:
        watchers = [Watcher(stack) for _ in range(2)]
        for watcher in watchers:
            watcher.waits_for("old")

        serve("new")
        learnt = [watcher.waits_for("new") for watcher in watchers]
        registry.roll_back(families=("live", "night"), decision=Decision(ACTOR))
        back = [watcher.waits_for("old") for watcher in watchers]
        reloaded = reloading.reload_models(decision=Decision(ACTOR))

    assert max(learnt + back) < LEARNT_WITHIN_S
    assert len(reloaded.processes) == 3
    assert reloaded.behind == []


def test_a_process_learns_of_a_pin_as_quickly_and_of_its_end(two_versions: None) -> None:
    place = Place(TenantFactory(), "night")
    with ExitStack() as stack:
        own, another = Watcher(stack, SEEN_BY=str(place.tenant.pk)), Watcher(stack)
        for watcher in (own, another):
            watcher.waits_for("old")

        pins.pin_version(version="new", place=place, decision=Decision(ACTOR))
        learnt = [own.waits_for("new")]
        pins.unpin_version(version="new", place=place, decision=Decision(ACTOR))
        learnt.append(own.waits_for("old"))

    assert max(learnt) < LEARNT_WITHIN_S
    assert {line.split()[0] for line in another.lines} == {"old"}


def test_without_redis_the_database_says_it_as_quickly(two_versions: None, tmp_path: Path) -> None:
    with ExitStack() as stack:
        watcher = Watcher(stack, REDIS_URL=f"unix://{tmp_path}/gone.sock")
        watcher.waits_for("old")

        serve("new")
        learnt = watcher.waits_for("new")

    assert learnt < LEARNT_WITHIN_S


def test_a_change_that_redis_missed_is_found_within_seconds(
    two_versions: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        watcher = Watcher(stack)
        watcher.waits_for("old")

        monkeypatch.setattr(board, "publish", lambda _: None)
        serve("new")
        watcher.waits_for("new", within_s=2 * holder.ASK_DATABASE_S)


def test_a_corrupted_artifact_leaves_every_process_with_what_it_has(
    two_versions: None, store: Path
) -> None:
    weights = store / "old" / "weights.npy"
    with ExitStack() as stack:
        watcher = Watcher(stack)
        watcher.waits_for("old")
        serving.current()

        weights.write_bytes(bytes(weights.stat().st_size))
        with pytest.raises(reloading.refusals.ModelNotLoadable):
            reloading.reload_models(decision=Decision(ACTOR))
        others = heard_failing(watcher)

    assert [(row.night, row.failures["night"]) for row in others] == [
        ("old", "artifact_wrong_hash")
    ]
    assert serving.current().night.version == "old"
    assert ModelEvent.objects.filter(action="load_failed").count() == 2  # one for each family


def heard_failing(watcher: Watcher) -> list[board.Report]:
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        others = [row for row in board.reports() if row.process != board.process_name()]
        if others and all(row.failures for row in others):
            return others
        time.sleep(0.02)
    raise AssertionError(json.dumps(watcher.lines))


def test_a_forked_child_loads_and_follows_by_itself(two_versions: None) -> None:
    run = subprocess.run(
        [sys.executable, "-c", FORK],
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert run.returncode == 0, run.stderr
    assert serving.current().night.version == "old"


@pytest.mark.parametrize("action", ["reload", "new/promote"])
def test_a_decision_with_a_key_says_what_a_second_process_serves(
    two_versions: None, action: str
) -> None:
    ml_ops = calling_as("ml_ops", PlatformFactory())
    judge("new")
    serving.current()
    with ExitStack() as stack:
        watcher = Watcher(stack)
        watcher.waits_for("old")

        first, again = (
            ml_ops("POST", f"/v1/models/{action}", {"reason": "why"}, Idempotency_Key="once")
            for _ in range(2)
        )

    body, wanted = first.json(), "old" if action == "reload" else "new"
    assert first.status_code == 200, body
    assert [(row["night"], row["is_current"]) for row in body["processes"]] == [(wanted, True)] * 2
    assert (body["heard"], body["behind"]) == (True, 0)
    assert body["generation"] == Generation.objects.get().number
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_key_keeps_what_a_reload_came_to_after_its_commit(
    two_versions: None, store: Path
) -> None:
    ml_ops = calling_as("ml_ops", PlatformFactory())
    serving.current()
    before = Generation.objects.get().number
    (store / "old" / "weights.npy").write_bytes(b"")

    first, again = (
        ml_ops("POST", "/v1/models/reload", {}, Idempotency_Key="once") for _ in range(2)
    )

    assert (first.status_code, first.json()["code"]) == (409, "model_not_loadable")
    assert again.json()["detail"] == first.json()["detail"]
    # The others were told all the same: each keeps what it has, and says so.
    assert Generation.objects.get().number == before + 1
