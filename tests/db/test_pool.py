"""Django's native pool behind our engine, and what a forked child makes of it."""

import os
import signal
from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest
from django.db import connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper as DjangoWrapper
from prometheus_client import REGISTRY
from pytest_django import DjangoDbBlocker

# A process with threads forks here on purpose; Python 3.12 and later warn about it.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

CHILD_S = 20


@pytest.fixture(autouse=True)
def reachable(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database without a test's transaction: nothing here writes a row."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def pooled(reachable: None) -> Iterator[str]:
    """The alias of a second way to the same database, through a pool of one connection."""
    settings = deepcopy(connection.settings_dict)
    settings["CONN_MAX_AGE"] = 0
    settings["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 1, "timeout": 5}
    connections.settings["pooled"] = settings
    yield "pooled"
    connections["pooled"].close()
    connections["pooled"].close_pool()
    del connections["pooled"]
    del connections.settings["pooled"]


def session(alias: str) -> int:
    """The server's process behind this connection."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def in_child(work: Callable[[], int]) -> int:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(CHILD_S)
        try:
            os.write(writer, str(work()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as answer:
        return int(answer.read())


def test_a_returned_connection_is_used_again(pooled: str) -> None:
    first = session(pooled)
    connections[pooled].close()

    second = session(pooled)

    assert first == second
    assert list(DjangoWrapper._connection_pools) == [pooled]


def test_pooled_statements_are_counted(pooled: str) -> None:
    labels = {"alias": pooled, "vendor": "postgresql"}
    session(pooled)  # opening it takes statements of its own
    before = REGISTRY.get_sample_value("django_db_execute_total", labels)

    session(pooled)

    assert REGISTRY.get_sample_value("django_db_execute_total", labels) == before + 1


@pytest.mark.parametrize("is_in_use", [True, False])
def test_a_forked_child_opens_a_pool_of_its_own(pooled: str, is_in_use: bool) -> None:
    parents = session(pooled)
    if not is_in_use:
        connections[pooled].close()

    childs = in_child(lambda: session(pooled))

    assert childs != parents
    assert session(pooled) == parents


def test_closing_everything_in_a_child_leaves_the_parent_alone(pooled: str) -> None:
    parents = session(pooled)

    def close_as_celery_does() -> int:
        for wrapper in connections.all(initialized_only=True):
            wrapper.close()
            wrapper.close_pool()
        return session(pooled)

    in_child(close_as_celery_does)

    assert session(pooled) == parents


def test_a_forked_child_does_not_share_a_plain_connection() -> None:
    parents = session("default")

    childs = in_child(lambda: session("default"))

    assert childs != parents
    assert session("default") == parents
