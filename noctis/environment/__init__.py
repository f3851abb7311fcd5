"""The table of every setting: name, default, kind, meaning. Pure: knows no Django."""

import textwrap
from collections.abc import Mapping

from noctis.environment.house import HOUSE
from noctis.environment.setting import Reading, Setting
from noctis.environment.work import WORK
from noctis.kinds import Value

__all__ = ["SETTINGS", "BadSettings", "Reading", "Setting", "as_text", "example", "read", "table"]

SETTINGS = (*HOUSE, *WORK)


class BadSettings(Exception):
    """Names every variable that could not be read, so that one run shows all that is wrong."""


def read(environ: Mapping[str, str]) -> dict[str, Reading]:
    """Read every setting; an empty variable counts as not set, as compose files leave them."""
    readings, problems = {}, []
    for setting in SETTINGS:
        text = environ.get(setting.name, "").strip()
        try:
            value = setting.kind(text) if text else setting.default
        except ValueError as error:
            problems.append(f"{setting.name}: {error}")
            continue
        readings[setting.name] = Reading(setting, value, "environment" if text else "default")
    if problems:
        raise BadSettings("; ".join(problems))
    return readings


def as_text(value: Value) -> str:
    """A value as it is written in the environment; nothing where there is none."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def table() -> str:
    """Markdown for docs/settings.md: every setting, its default and its meaning."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for row in SETTINGS:
        default = f"`{as_text(row.default)}`" if as_text(row.default) else "none"
        meaning = row.doc.replace("|", r"\|") + (" Secret." if row.secret else "")
        rows.append(f"| `{row.name}` | {default} | {meaning} |")
    return "\n".join(rows)


def example() -> str:
    """The text of .env.example: every setting, its meaning above it, at its default."""
    intro = (
        "Every setting at its default; docs/settings.md has the same as a table. Copy it to .env "
        "for docker compose, or export what differs. An empty variable counts as not set."
    )
    parts = [_comment(intro)]
    for row in SETTINGS:
        parts.append(f"{_comment(row.doc.replace('`', ''))}\n{row.name}={as_text(row.default)}")
    return "\n\n".join(parts) + "\n"


def _comment(text: str) -> str:
    return textwrap.fill(text, 98, initial_indent="# ", subsequent_indent="# ")
