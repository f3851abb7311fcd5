"""Content checksums of tables, as SQL: one pass, no order, exact to the last bit of a row. Pure.

A row counts as its text, which is what a dump carries; NULL, empty, NaN and -0 all differ in it."""

from collections.abc import Sequence
from dataclasses import dataclass

# Text depends on these settings alone, so that every server and every session writes the same.
SESSION = (
    "SET extra_float_digits = 1",
    "SET bytea_output = 'hex'",
    "SET DateStyle = 'ISO, YMD'",
    "SET IntervalStyle = 'postgres'",
    "SET TimeZone = 'UTC'",
    "SET lc_monetary = 'C'",
    "SET xmlbinary = 'base64'",
    "SET search_path = pg_catalog",
)

# OFFSET 0 keeps the planner from writing the hash out twice, which would compute it twice.
CONTENT = """
SELECT count(*),
       coalesce(sum(('x' || encode(substr(hash, 1, 8), 'hex'))::bit(64)::bigint), 0),
       coalesce(sum(('x' || encode(substr(hash, 9, 8), 'hex'))::bit(64)::bigint), 0)
  FROM (SELECT sha256(convert_to(ROW({columns})::text, 'UTF8')) AS hash
          FROM {relation} OFFSET 0) AS hashed
"""


@dataclass(frozen=True)
class Content:
    """How many rows, and the sum of their hashes: a multiset, so a row twice counts twice."""

    rows: int
    checksum: str


@dataclass(frozen=True)
class Table:
    """What is summed up under a name. The relation that holds the rows may be called otherwise."""

    name: str
    schema: str
    relation: str
    columns: tuple[str, ...]


def statement(table: Table) -> str:
    """Columns in the order of their names: two servers may have grown them in another order."""
    relation = f"{quoted(table.schema)}.{quoted(table.relation)}"
    columns = ", ".join(f"{quoted(name)}" for name in sorted(table.columns))
    return CONTENT.format(relation=relation, columns=columns)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def content(answer: Sequence[int]) -> Content:
    """From the statement's one row: sums are kept modulo 2**64."""
    rows, high, low = (int(value) for value in answer)
    return Content(rows, f"{high % 2**64:016x}{low % 2**64:016x}")
