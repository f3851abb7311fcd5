"""Content checksums: blind to order and session, and to nothing else."""

import hashlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from operations import checksums
from operations.checksums import Content, Table
from operations.services.backup import server
from operations.services.backup.contents import contents, write_text_alike

pytestmark = pytest.mark.django_db(transaction=True)

COLUMNS = "id int, f real[], d float8, t text, b bytea, j jsonb, at timestamptz, n numeric"
ROW = (1, "{1.5,NaN,NULL}", 0.1, "a,b", b"\x00\xff", '{"b": 1, "a": [2]}', "2026-01-01 00:00+00", 1)


@pytest.fixture
def session() -> Iterator[psycopg.Connection[Any]]:
    with server.connect() as session:
        write_text_alike(session)
        session.execute("CREATE TEMP TABLE kept (" + COLUMNS + ")")
        yield session


def fill(session: psycopg.Connection[Any], *rows: tuple[Any, ...]) -> None:
    session.execute("DELETE FROM kept")
    for row in rows:
        session.execute("INSERT INTO kept VALUES (%s,%s,%s,%s,%s,%s,%s,%s)", row)


def summed(session: psycopg.Connection[Any], relation: str = "kept") -> Content:
    names = tuple(part.split()[0] for part in COLUMNS.split(", "))
    table = Table(relation, "pg_temp", relation, names)
    return checksums.content(session.execute(checksums.statement(table)).fetchone())


def slowly(session: psycopg.Connection[Any]) -> Content:
    """Row by row, with Python's own hash."""
    high = low = count = 0
    for (text,) in session.execute("SELECT ROW(at,b,d,f,id,j,n,t)::text FROM kept"):
        digest = hashlib.sha256(text.encode()).digest()
        high += int.from_bytes(digest[:8], "big", signed=True)
        low += int.from_bytes(digest[8:16], "big", signed=True)
        count += 1
    return Content(count, f"{high % 2**64:016x}{low % 2**64:016x}")


def row(**changes: Any) -> tuple[Any, ...]:
    names = [part.split()[0] for part in COLUMNS.split(", ")]
    return tuple((dict(zip(names, ROW, strict=True)) | changes)[name] for name in names)


def test_the_checksum_is_the_slow_sum_of_each_rows_hash(session: psycopg.Connection[Any]) -> None:
    fill(session, *(row(id=number, t="x" * number) for number in range(50)))

    assert summed(session) == slowly(session)


def test_the_order_of_rows_does_not_matter(session: psycopg.Connection[Any]) -> None:
    fill(session, row(id=1), row(id=2), row(id=3))
    first = summed(session)
    fill(session, row(id=3), row(id=1), row(id=2))

    assert summed(session) == first


def test_a_row_twice_is_not_a_row_once_nor_none(session: psycopg.Connection[Any]) -> None:
    sums = []
    for count in range(3):
        fill(session, *[row()] * count)
        sums.append(summed(session))

    assert len({each.checksum for each in sums}) == 3
    assert sums[0] == Content(0, "0" * 32)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"f": "{1.5}"}, {"f": "{1.5000001}"}),
        ({"f": "{NaN}"}, {"f": "{NULL}"}),
        ({"f": "{}"}, {"f": None}),
        ({"f": "{1,2}"}, {"f": "{2,1}"}),
        ({"f": "{0}"}, {"f": "{-0}"}),
        ({"d": 0.1}, {"d": 0.10000000000000002}),
        ({"d": "Infinity"}, {"d": "NaN"}),
        ({"t": ""}, {"t": None}),
        ({"t": "a"}, {"t": "a "}),
        ({"t": 'a",'}, {"t": 'a"",'}),
        ({"b": b""}, {"b": None}),
        ({"b": b"\x00"}, {"b": b"\x00\x00"}),
        ({"j": "null"}, {"j": None}),
        ({"j": '{"a": 1}'}, {"j": '{"a": "1"}'}),
        ({"n": "1.0"}, {"n": "1.00"}),
        ({"at": "2026-01-01 00:00:00+00"}, {"at": "2026-01-01 00:00:00.000001+00"}),
        ({"t": "x", "b": None}, {"t": None, "b": b"x"}),
    ],
    ids=str,
)
def test_the_smallest_change_of_a_value_is_seen(
    session: psycopg.Connection[Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    fill(session, row(**before))
    first = summed(session)
    fill(session, row(**after))

    assert summed(session) != first


def test_two_sessions_that_write_text_differently_agree(session: psycopg.Connection[Any]) -> None:
    fill(session, ROW)
    first = summed(session)
    for setting in ("TimeZone = 'Asia/Tokyo'", "extra_float_digits = -3", "DateStyle = 'German'"):
        session.execute(f"SET {setting}")
    otherwise = summed(session)
    session.execute("SET bytea_output = 'escape'")

    write_text_alike(session)

    assert otherwise != first
    assert summed(session) == first


def test_the_same_rows_have_this_checksum_on_every_server(
    session: psycopg.Connection[Any],
) -> None:
    odd = "{1e-45,3.4028235e38,-0,NaN,Infinity,NULL,0.1}"

    fill(session, ROW, row(id=2, f=odd, d=5e-324, t="ä\U0001f319", b=None), row(id=None, n="NaN"))

    assert summed(session) == Content(3, "77faa4e96cdc8b1c380d3547a2e27d27")


def test_columns_in_another_order_are_the_same_content(session: psycopg.Connection[Any]) -> None:
    fill(session, ROW)
    turned = ", ".join(reversed(COLUMNS.split(", ")))
    session.execute(f"CREATE TEMP TABLE turned ({turned})")
    session.execute("INSERT INTO turned SELECT n, at, j, b, t, d, f, id FROM kept")

    assert summed(session, "turned") == summed(session)


def test_a_row_that_moved_its_value_to_another_row_is_seen(
    session: psycopg.Connection[Any],
) -> None:
    fill(session, row(id=1, t="a"), row(id=2, t="b"))
    first = summed(session)
    fill(session, row(id=1, t="b"), row(id=2, t="a"))

    assert summed(session) != first


def test_every_table_is_summed_up_and_no_temporary_one(
    session: psycopg.Connection[Any],
) -> None:
    fill(session, ROW)

    found = contents(session)

    assert {"public.recordings_epoch", "public.django_migrations"} <= set(found)
    assert not any(name.endswith(".kept") or name.startswith("pg_") for name in found)


def test_a_partitions_rows_count_once_and_strange_names_are_no_trouble(
    session: psycopg.Connection[Any],
) -> None:
    with server.connect() as writer:
        writer.execute('CREATE SCHEMA "odd ""one"')
        try:
            writer.execute(
                'CREATE TABLE "odd ""one"."T %s" (id int, "a%%b" text) PARTITION BY RANGE (id)'
            )
            writer.execute(
                'CREATE TABLE "odd ""one".part PARTITION OF "odd ""one"."T %s"'
                " FOR VALUES FROM (0) TO (9)"
            )
            writer.execute('INSERT INTO "odd ""one"."T %s" VALUES (1, NULL), (2, \'x\')')
            found = contents(session)
        finally:
            writer.execute('DROP SCHEMA "odd ""one" CASCADE')

    odd = {name: content for name, content in found.items() if name.startswith("odd")}
    assert [(name, content.rows) for name, content in odd.items()] == [('odd "one.T %s', 2)]
