"""A promotion that is cut short anywhere, by an error or by kill -9, leaves what served before."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from inference.models import Generation, ModelEvent, ModelVersion, Serving
from inference.services import registry
from inference.services.model_events import Decision
from mlops.refusals import GatesUnmet
from tests.factories import ACTOR
from tests.inference.test_registry import serve, serves, statuses, validated
from tests.inference.test_serving_processes import Watcher, environment
from tests.mlops.judged import judge
from tests.recordings.test_nights_sweep import at_once
from tests.source_tree import REPOSITORY

pytestmark = pytest.mark.django_db(transaction=True)
WHY = Decision(ACTOR, "it is better")
BEFORE = {"old": "production", "new": "validated"}
# Holds the transaction open after as many statements as it is told, and says so.
PROMOTE = """
import sys, time, django
django.setup()
from django.db import connection
from inference.services import registry
from inference.services.model_events import Decision
from tests.factories import ACTOR
left = int(sys.argv[1])
def hold(execute, sql, params, many, context):
    global left
    found = execute(sql, params, many, context)
    if connection.in_atomic_block:
        left -= 1
        if left <= 0:
            print("held", flush=True)
            time.sleep(60)
    return found
with connection.execute_wrapper(hold):
    registry.serve_version(version="new", decision=Decision(ACTOR, "x", waiver="a toy"))
"""


class Cut(Exception):
    """In place of a statement's answer."""


@pytest.fixture(autouse=True)
def _two_versions(
    committed_rows: None, store: Path, shipped_schemas: None, empty_registry: None
) -> None:
    validated("old", 0)
    serve("old")
    validated("new", 1)
    judge("new")


def cut_at(place: int, *, is_done: bool) -> Callable[..., Any]:
    """Fail instead of the statement at this place within a transaction, or right after it."""
    left = [place]

    def execute(run: Callable[..., Any], *asked: Any) -> Any:
        if not connection.in_atomic_block:
            return run(*asked)
        left[0] -= 1
        if left[0] == 0 and not is_done:
            raise Cut
        found = run(*asked)
        if left[0] == 0:
            raise Cut
        return found

    return execute


def is_as_before() -> bool:
    return serves() == {"live": "old", "night": "old"} and statuses() == BEFORE


@pytest.mark.parametrize("is_done", [False, True])
def test_an_error_at_any_statement_of_a_promotion_undoes_all_of_it(is_done: bool) -> None:
    events, number = ModelEvent.objects.count(), Generation.objects.get().number
    cuts = 0
    while _is_cut(cuts + 1, is_done=is_done):
        cuts += 1
        assert is_as_before(), cuts
        assert ModelEvent.objects.count() == events
        assert Generation.objects.get().number == number

    # The one that was not cut came through; a promotion is many statements.
    assert cuts > 15
    assert serves() == {"live": "new", "night": "new"}
    assert statuses() == {"old": "archived", "new": "production"}


def _is_cut(place: int, *, is_done: bool) -> bool:
    try:
        with connection.execute_wrapper(cut_at(place, is_done=is_done)):
            registry.serve_version(version="new", decision=WHY)
    except Cut:
        return True
    return False


@pytest.mark.parametrize("statements", [3, 12, 18])
def test_a_kill_in_the_middle_of_a_promotion_leaves_what_served(statements: int) -> None:
    with _promoting(statements) as process:
        assert process.stdout
        assert process.stdout.readline().strip() == "held"
        process.send_signal(signal.SIGKILL)
        process.wait()

    # Its locks are gone with it: the next one goes through.
    assert is_as_before()
    registry.serve_version(version="new", decision=WHY)
    assert serves() == {"live": "new", "night": "new"}
    assert statuses() == {"old": "archived", "new": "production"}


def _promoting(statements: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROMOTE, str(statements)],
        cwd=REPOSITORY,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


def test_of_two_promotions_at_once_one_wins() -> None:
    validated("other", 2)
    judge("other")
    is_done = threading.Event()

    def promote(number: int) -> str:
        if number:
            is_done.wait(10)
            try:
                registry.serve_version(version="other", decision=WHY)
            except GatesUnmet:
                return "refused"
            return "won"
        with transaction.atomic():
            registry.serve_version(version="new", decision=WHY)
            is_done.set()
            connection.cursor().execute("SELECT pg_sleep(0.5)")  # the other one waits for this
        return "won"

    found = at_once(promote, 2)

    # Who comes second was judged beside another than serves now.
    assert sorted(found) == ["refused", "won"]
    assert serves() == {"live": "new", "night": "new"}
    assert statuses() == {"old": "archived", "new": "production", "other": "validated"}


def test_one_family_has_one_version_whatever_anybody_writes() -> None:
    with pytest.raises(Exception, match="serving_pkey"), transaction.atomic():
        Serving.objects.bulk_create(
            [
                Serving(
                    family="night",
                    version=ModelVersion.objects.get(version="new"),
                    since=ModelEvent.objects.first().at,
                )
            ]
        )


def test_a_version_that_has_a_history_is_not_deleted() -> None:
    for delete in (_by_the_orm, _by_hand):
        with (
            pytest.raises(Exception, match=r"protected|foreign key"),
            transaction.atomic(),
        ):
            delete()

    assert statuses() == BEFORE


def _by_the_orm() -> None:
    ModelVersion.objects.get(version="new").delete()


def _by_hand() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM inference_modelversion WHERE version = 'new'")


def test_whoever_starts_after_a_promotion_serves_the_new_one() -> None:
    """Stop everything, start: the rows say what serves, no process has to remember."""
    with ExitStack() as stack:
        Watcher(stack).waits_for("old")
    registry.serve_version(version="new", decision=WHY)

    with ExitStack() as stack:
        after = Watcher(stack)
        after.waits_for("new")

    assert [line.split()[0] for line in after.lines] == ["new"]
