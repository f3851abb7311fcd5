"""How values look on a page: instants, states, facts. Columns for lists and rows for objects."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

Column = Any  # a callable; the stubs know one in `list_display` and not in `fields`
NONE = "-"


def instant(name: str, label: str) -> Column:
    """A moment to the minute, in UTC, to the microsecond for machines."""

    @admin.display(description=label, ordering=name)
    def shown(row: Any) -> SafeString | str:
        at = getattr(row, name)
        if at is None:
            return NONE
        text = f"{at:%Y-%m-%d %H:%M} UTC"
        return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), at, text)

    return shown


def pill(name: str, label: str, words: dict[Any, str] | None = None) -> Column:
    """A state as a word with a colour of its own; the word alone says all."""

    @admin.display(description=label, ordering=name)
    def shown(row: Any) -> SafeString:
        word = (words or {}).get(getattr(row, name), str(getattr(row, name)))
        return format_html('<span class="pill is-{}">{}</span>', word.replace(" ", "-"), word)

    return shown


def facts(name: str, label: str) -> Column:
    """A JSON object, one line for each member."""

    @admin.display(description=label)
    def shown(row: Any) -> SafeString | str:
        known = getattr(row, name)
        if not known:
            return NONE
        lines = format_html_join("", "<dt>{}</dt><dd>{}</dd>", sorted(known.items()))
        return format_html('<dl class="facts">{}</dl>', lines)

    return shown
