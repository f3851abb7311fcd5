"""Exports: everything, or what came since the last one, into a file or a stream.

A process that dies between the file's appearance and the commit of the marks has exported rows that
the next increment brings again: repeated, never lost, and told by the manifest's `from`.
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from django.db import transaction

from noctis import errors
from recordings import frontier, streams
from recordings.files import AlreadyWritten, Aside
from recordings.frontier import NEWEST, Frontier
from recordings.tables import TABLES, Table
from tenants.models import Tenant

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Export:
    """What is wanted: a table of some tenants in a format."""

    kind: str
    tenants: Sequence[Tenant]
    form: str

    @property
    def tenant_ids(self) -> list[int]:
        return [tenant.pk for tenant in self.tenants]


def add_table(*, kind: str, table: Table, newest: str) -> None:
    """Have an app above exported with the others; `newest` as in `recordings.frontier`."""
    TABLES[kind], NEWEST[kind] = table, newest


def stream(*, export: Export) -> Iterator[str]:
    """Give everything there is as text, page by page."""
    table = TABLES[export.kind]
    with frontier.gathered(export.kind, export.tenant_ids, since_last=False):
        columns = table.columns()
        yield _header(export, columns)
        for page in table.pages(export.form, columns):
            yield page.text


def write(*, export: Export, path: Path, since_last: bool) -> Manifest:
    """Write everything, or one increment, to a file with a manifest beside it.

    An increment's marks are committed after the file has taken its place."""
    try:
        with (
            frontier.alone(export.kind) if since_last else nullcontext(),
            frontier.gathered(export.kind, export.tenant_ids, since_last=since_last) as front,
        ):
            if since_last:
                _refuse_to_replace(path, front)
            return _written(export, path, front, since_last=since_last)
    except AlreadyWritten:
        raise errors.Conflict(f"{path} is being written by another export.") from None
    except OSError as error:
        raise errors.Invalid(f"cannot write {path}: {error.strerror}") from None


def manifest_of(*, path: Path) -> Path:
    """Say where a file's manifest is."""
    return path.with_name(f"{path.name}.manifest.json")


def _written(export: Export, path: Path, front: Frontier, *, since_last: bool) -> Manifest:
    table = TABLES[export.kind]
    columns = table.columns()
    rows, versions = 0, set[str]()
    with Aside(path) as data, Aside(manifest_of(path=path)) as beside:
        data.write(_header(export, columns))
        for page in table.pages(export.form, columns):
            data.write(page.text)
            rows, versions = rows + page.rows, versions | page.versions
        manifest = _described(export, front, since_last=since_last) | {
            "columns": columns,
            "schema_versions": sorted(versions),
            "rows": rows,
            "file": path.name,
            "sha256": data.sha256,
        }
        beside.write(msgspec.json.format(msgspec.json.encode(manifest)).decode() + "\n")
        _publish(data, beside, front if since_last else None)
    return manifest


def _publish(data: Aside, beside: Aside, front: Frontier | None) -> None:
    """The manifest is there before the file, so that whoever sees the file can check it."""
    data.settle()
    beside.settle()
    with transaction.atomic():
        if front:
            front.advance()
        beside.publish()
        data.publish()


def _header(export: Export, columns: Sequence[str]) -> str:
    return streams.csv_row(columns) if export.form == "csv" else ""


def _described(export: Export, front: Frontier, *, since_last: bool) -> Manifest:
    """`from` is when each tenant's increment before was made, `through` when this one was."""
    before = {tenant.slug: front.follows.get(tenant.slug) for tenant in export.tenants}
    return {
        "table": export.kind,
        "format": export.form,
        "incremental": since_last,
        "from": {slug: at and _told(at) for slug, at in before.items()},
        "through": _told(front.through),
    }


def _told(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _refuse_to_replace(path: Path, front: Frontier) -> None:
    """An increment that counted may not be lost; one whose marks were not committed comes again."""
    if not path.exists():
        return
    wanted = {"table": front.kind, "incremental": True} | {
        "from": {slug: at and _told(at) for slug, at in front.follows.items()}
    }
    try:
        there = msgspec.json.decode(manifest_of(path=path).read_bytes(), type=dict[str, Any])
    except (FileNotFoundError, msgspec.DecodeError):
        there = {}
    if any(there.get(name) != value for name, value in wanted.items()):
        raise errors.Conflict(f"{path} is there already; an increment replaces no other file.")
