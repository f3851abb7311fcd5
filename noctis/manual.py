"""What is generated for readers: the OpenAPI document as text, and the tables of docs/api.md."""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

from noctis import problems
from tenants.roles import (
    API_ROLES,
    CONSOLE_EXTRAS,
    GRANTS,
    PLATFORM_GRANTS,
    Capability,
    ConsoleRole,
    Role,
)


def document() -> dict[str, Any]:
    """The OpenAPI document of every route."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return schema


@cache
def document_text() -> bytes:
    """As it is committed and served; routes do not change while the process lives."""
    return as_text(document())


def as_text(schema: dict[str, Any]) -> bytes:
    plain = json.loads(OpenApiJsonRenderer().render(schema, renderer_context={}))
    return json.dumps(plain, indent=2, ensure_ascii=False).encode() + b"\n"


def role_table() -> str:
    """Markdown: each role's capabilities; `platform` where only the platform tenant has it."""
    header = ["capability", *(f"`{role}`" for role in Role)]
    rows = [[f"`{name}`", *(_grant(role, name) for role in Role)] for name in Capability]
    return _table(header, rows)


def _grant(role: Role, capability: Capability) -> str:
    if capability in GRANTS[role]:
        return "yes"
    return "platform" if capability in PLATFORM_GRANTS.get(role, ()) else ""


def console_role_table() -> str:
    """Markdown: the role that an operator's token stands for, and what it has beyond that."""
    rows = [[f"`{role}`", f"`{API_ROLES[role]}`", _extras(role)] for role in ConsoleRole]
    return _table(["console role", "API role", "and"], rows)


def _extras(role: ConsoleRole) -> str:
    return ", ".join(f"`{name}`" for name in sorted(CONSOLE_EXTRAS.get(role, ())))


def error_table() -> str:
    """Markdown: every code, its status, whether to repeat, when it comes and what to do."""
    rows = [
        [
            f"`{row.code}`",
            str(row.status),
            "yes" if row.is_retryable else "no",
            row.meaning,
            row.remedy,
        ]
        for row in problems.registry()
    ]
    return _table(["code", "status", "retry", "when", "what to do"], rows)


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


TABLES = {"roles": role_table, "console roles": console_role_table, "errors": error_table}


def with_tables(page: str) -> str:
    """The page with what stands between its markers generated anew."""
    for name, table in TABLES.items():
        start, end = f"<!-- {name}: generated -->\n", f"<!-- {name}: end -->"
        before, found, rest = page.partition(start)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"the markers of the table {name!r} are missing")
        page = f"{before}{start}{table()}\n{end}{after}"
    return page
