"""A statement by libpq's own call: repeated, forgotten by its session, refused, and lost."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection
from psycopg import pq

from noctis.db.prepared import Prepared

INT4 = 23
HALVED = Prepared("halved", "SELECT 100 / $1", [INT4])


@pytest.fixture
def session(transactional_db: None) -> Iterator[psycopg.Connection]:
    with connection.get_new_connection(connection.get_connection_params()) as opened:
        opened.autocommit = True
        yield opened


def asked(session: psycopg.Connection, value: int) -> int:
    answer = HALVED.answer(session, [value.to_bytes(4, "big")]).get_value(0, 0)
    assert answer is not None
    return int.from_bytes(answer, "big")


def test_a_session_prepares_once(session: psycopg.Connection) -> None:
    answers = [asked(session, value) for value in (2, 5, 10)]

    count = session.execute("SELECT count(*) FROM pg_prepared_statements WHERE name = 'halved'")
    assert answers == [50, 20, 10]
    assert count.fetchone() == (1,)


def test_a_session_that_forgot_prepares_again(session: psycopg.Connection) -> None:
    asked(session, 2)
    session.execute("DEALLOCATE ALL")

    assert asked(session, 5) == 20


def test_what_the_server_refuses_is_psycopgs_exception(session: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        asked(session, 0)

    assert asked(session, 2) == 50


def test_a_lost_session_is_an_operational_error(session: psycopg.Connection) -> None:
    asked(session, 2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [session.info.backend_pid])

    with pytest.raises(psycopg.OperationalError):
        asked(session, 2)

    assert session.pgconn.status == pq.ConnStatus.BAD
