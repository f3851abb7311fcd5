"""What processes tell each other of what they serve, and what of it is believed."""

import time
from pathlib import Path

import msgspec
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from inference import serving
from inference.bodies import models as bodies
from inference.services import reloading
from inference.serving import board
from tests.inference.test_registry import WHY, serve, validated

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("store", "shipped_schemas", "empty_registry"),
]


def test_a_late_word_takes_nobody_back() -> None:
    board._redis().delete(board.GENERATION)
    board.publish(7)
    board.publish(6)
    late = board.generation()
    board.publish(8)

    assert (late, board.generation()) == (7, 8)
    assert 0 < board._redis().ttl(board.GENERATION) <= board.KEPT_FOR_S
    board._redis().delete(board.GENERATION)


def test_a_reload_that_nobody_could_hear_of_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    validated("test-1")
    serve("test-1")
    away = Redis.from_url(f"unix://{tmp_path}/gone.sock", retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(board, "_redis", lambda: away)

    found = bodies.reloaded_models(reloading.reload_models(decision=WHY))

    assert (found["heard"], found["behind"], found["processes"]) == (False, None, [])
    assert found["night"] == "test-1"


def test_a_process_whose_clock_is_wrong_is_heard_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    validated("test-1")
    serve("test-1")
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: 0.0)
        serving.refresh()

    assert board.process_name() in [row.process for row in board.reports() or []]


@pytest.mark.parametrize(
    "left", [b'{"process":"old","generation":1}', b"no JSON", b"", b"from tomorrow"]
)
def test_a_report_that_cannot_be_believed_keeps_nobody_from_being_heard(left: bytes) -> None:
    validated("test-1")
    serve("test-1")
    serving.refresh()
    if left == b"from tomorrow":
        (row, *_) = board.reports() or []
        left = msgspec.json.encode(msgspec.structs.replace(row, process="odd", at=row.at + 86_400))
    board._redis().hset(board.PROCESSES, "odd", left)

    told = reloading.reload_models(decision=WHY, patience_s=0)

    assert told.heard
    assert board.process_name() in [row.process for row in told.processes]
    assert "odd" not in [row.process for row in told.processes]
    assert not board._redis().hexists(board.PROCESSES, "odd")
