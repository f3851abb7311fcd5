"""Work is tried as often as is safe, and never past its deadline: against a real server."""

import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection, connections, transaction
from prometheus_client import REGISTRY
from pytest_django import DjangoDbBlocker, Settings

from noctis import errors
from noctis.db import circuit, deadlines, failures, transactions
from tests.db.proxy import Proxy

Work = Callable[[], None]


@pytest.fixture(autouse=True)
def reachable(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database without a test's transaction, and a table to write into."""
    with django_db_blocker.unblock():
        execute("CREATE TABLE written (n int PRIMARY KEY)")
        yield
        circuit.DATABASE.reset()
        connection.close()
        execute("DROP TABLE written")


@pytest.fixture(autouse=True)
def impatient(settings: Settings) -> None:
    settings.DB_RETRY_BASE_DELAY_SECONDS = 0.001


@pytest.fixture
def proxy(reachable: None) -> Iterator[Proxy]:
    """A door to the test database, behind the alias `proxied`."""
    own = deepcopy(connection.settings_dict)
    folder = own["HOST"]
    with Proxy(str(Path(folder) / ".s.PGSQL.5432")) as door:
        connections.settings["proxied"] = own | {"HOST": "127.0.0.1", "PORT": str(door.port)}
        yield door
        connections["proxied"].close()
        del connections["proxied"]
        del connections.settings["proxied"]


def execute(sql: str, using: str = "default") -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(sql)


def shown(sql: str, using: str = "default") -> object:
    with connections[using].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def rows() -> object:
    return shown("SELECT count(*) FROM written")


def elsewhere(sql: str) -> None:
    """Through a connection of its own, as somebody else would."""
    params = connection.get_connection_params()
    params.pop("cursor_factory")
    with psycopg.connect(**params, autocommit=True) as other:
        other.execute(sql)


class Attempts:
    """Writes its number each time it is called; fails the first `failing` times."""

    def __init__(self, fail: Work, *, failing: int = 1, using: str = "default") -> None:
        self.fail, self.failing, self.using, self.made = fail, failing, using, 0

    def __call__(self) -> None:
        self.made += 1
        execute(f"INSERT INTO written VALUES ({self.made})", self.using)
        if self.made <= self.failing:
            self.fail()


def succeed() -> None:
    """What never fails."""


def be_killed() -> None:
    elsewhere(f"SELECT pg_terminate_backend({shown('SELECT pg_backend_pid()')})")
    execute("SELECT 1")


def lose_to_another() -> None:
    execute("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$")


def violate() -> None:
    execute("INSERT INTO written VALUES (1)")


def retries(reason: str) -> float:
    return REGISTRY.get_sample_value("db_retry_total", {"reason": reason}) or 0.0


def test_work_that_succeeds_is_done_once() -> None:
    work = Attempts(succeed)

    transactions.run(work, is_idempotent=True)

    assert (work.made, rows()) == (1, 1)


def test_a_statement_beyond_the_deadline_is_cancelled_and_leaves_nothing() -> None:
    work = Attempts(lambda: execute("SELECT pg_sleep(5)"))
    began = time.monotonic()

    with pytest.raises(OperationalError) as raised, deadlines.within(0.2):
        transactions.run(work, is_idempotent=True)

    assert failures.is_timeout(raised.value)
    assert isinstance(failures.as_refusal(raised.value), errors.RequestTimeout)
    assert time.monotonic() - began < 4  # of five
    assert (work.made, rows()) == (1, 0)


def test_waiting_for_a_lock_counts_towards_the_deadline() -> None:
    params = connection.get_connection_params()
    params.pop("cursor_factory")
    with psycopg.connect(**params) as other:
        other.execute("LOCK TABLE written")

        with pytest.raises(OperationalError) as raised, deadlines.within(0.2):
            transactions.run(Attempts(succeed), is_idempotent=True)

    assert failures.is_timeout(raised.value)


def test_statements_of_their_own_share_one_deadline() -> None:
    def dawdle() -> None:
        for _ in range(50):
            execute("SELECT pg_sleep(0.1)")

    began = time.monotonic()

    with pytest.raises((OperationalError, errors.RequestTimeout)), deadlines.within(0.35):
        transactions.repeat(dawdle, is_idempotent=True)

    assert 0.3 < time.monotonic() - began < 4  # of five


def test_what_is_undone_late_is_undone_all_the_same() -> None:
    def write_too_late() -> None:
        with transaction.atomic():
            execute("INSERT INTO written VALUES (1)")
            time.sleep(0.2)
            execute("INSERT INTO written VALUES (2)")

    with deadlines.within(0.1), transaction.atomic(), pytest.raises(errors.RequestTimeout):
        write_too_late()

    assert rows() == 0


def test_a_session_has_its_own_limit_back_afterwards() -> None:
    before = shown("SHOW statement_timeout")

    with deadlines.within(7):
        within = shown("SHOW statement_timeout")

    assert (before, shown("SHOW statement_timeout")) == ("0", "0")
    assert str(within).startswith("69") or within == "7s"


def test_a_session_that_starts_with_the_limit_costs_a_request_nothing(proxy: Proxy) -> None:
    connections.settings["proxied"]["OPTIONS"]["statement_timeout_s"] = 30
    connections["proxied"].close()

    with deadlines.within(30, using="proxied"):
        limit = shown("SHOW statement_timeout", "proxied")
        idle = shown("SHOW idle_in_transaction_session_timeout", "proxied")
        is_untouched = not getattr(connections["proxied"], "is_tightened", False)

    assert (limit, idle, is_untouched) == ("30s", "30s", True)


@pytest.mark.parametrize("is_idempotent", [True, False])
def test_a_backend_killed_before_the_commit_is_tried_again(is_idempotent: bool) -> None:
    work, before = Attempts(be_killed), retries("connection")

    transactions.run(work, is_idempotent=is_idempotent)

    assert (work.made, rows()) == (2, 1)
    assert retries("connection") == before + 1


@pytest.mark.parametrize("is_idempotent", [True, False])
def test_a_transaction_that_lost_to_another_is_tried_again(is_idempotent: bool) -> None:
    work, before = Attempts(lose_to_another), retries("contention")

    transactions.run(work, is_idempotent=is_idempotent)

    assert (work.made, rows()) == (2, 1)
    assert retries("contention") == before + 1


def test_tries_are_counted_and_end() -> None:
    work = Attempts(lose_to_another, failing=99)

    with pytest.raises(OperationalError):
        transactions.run(work, is_idempotent=True)

    assert (work.made, rows()) == (3, 0)


def test_a_violated_constraint_is_not_tried_again() -> None:
    work = Attempts(violate)

    with pytest.raises(IntegrityError):
        transactions.run(work, is_idempotent=True)

    assert (work.made, rows()) == (1, 0)


def test_a_commit_of_unknown_outcome_is_not_repeated(proxy: Proxy) -> None:
    work = Attempts(succeed, using="proxied")
    execute("SELECT 1", "proxied")
    proxy.loses_commits = 1

    with pytest.raises(OperationalError):
        transactions.run(work, is_idempotent=False, using="proxied")

    assert (work.made, rows()) == (1, 1)


def test_a_commit_of_unknown_outcome_is_repeated_where_that_changes_nothing(proxy: Proxy) -> None:
    work = Attempts(succeed, using="proxied")
    execute("SELECT 1", "proxied")
    proxy.loses_commits = 1

    transactions.run(work, is_idempotent=True, using="proxied")

    assert (work.made, rows()) == (2, 2)


def test_no_try_begins_after_the_deadline(settings: Settings) -> None:
    settings.DB_RETRY_BASE_DELAY_SECONDS = settings.DB_RETRY_MAX_DELAY_SECONDS = 100_000.0
    work = Attempts(lose_to_another)

    with pytest.raises(OperationalError), deadlines.within(1):
        transactions.run(work, is_idempotent=True)

    assert work.made == 1


def test_work_that_may_not_be_done_twice_is_done_once() -> None:
    work = Attempts(be_killed)

    with pytest.raises(OperationalError):
        transactions.repeat(work, is_idempotent=False)

    assert work.made == 1


def test_work_that_may_not_be_done_twice_meets_no_dead_connection() -> None:
    elsewhere(f"SELECT pg_terminate_backend({shown('SELECT pg_backend_pid()')})")
    work = Attempts(succeed)

    transactions.repeat(work, is_idempotent=False)

    assert (work.made, rows()) == (1, 1)


def test_tries_within_tries_do_not_multiply() -> None:
    work = Attempts(lose_to_another, failing=99)

    with pytest.raises(OperationalError):
        transactions.repeat(lambda: transactions.run(work, is_idempotent=True), is_idempotent=True)

    assert work.made == 3


def test_inside_a_transaction_nothing_is_repeated() -> None:
    work = Attempts(lose_to_another)

    with pytest.raises(OperationalError), transaction.atomic():
        transactions.run(work, is_idempotent=True)

    assert (work.made, rows()) == (1, 0)


def test_a_broken_connection_is_not_kept() -> None:
    raw = connection.connection

    with pytest.raises(psycopg.OperationalError):
        transactions.repeat(
            lambda: psycopg.Cursor(connection.connection).execute(
                "SELECT pg_terminate_backend(pg_backend_pid())"
            ),
            is_idempotent=False,
        )

    assert connection.connection is not raw
    assert rows() == 0
