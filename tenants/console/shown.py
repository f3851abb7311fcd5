"""How values look on a page: instants, states, facts. Columns for lists and rows for objects."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tenants.models import Tenant

Column = Any  # a callable; the stubs know one in `list_display` and not in `fields`
NONE = "-"
UTC_ZONE = ZoneInfo("UTC")


def zone_of(row: Any) -> ZoneInfo:
    """The zone of the tenant whose row it is; what is nobody's own is told in UTC."""
    owner = row if isinstance(row, Tenant) else getattr(row, "tenant", None)
    return ZoneInfo(owner.timezone) if owner else UTC_ZONE


def moment(at: datetime | None, zone: ZoneInfo) -> SafeString | str:
    """To the minute where the tenant lives, in UTC on a closer look and for machines."""
    if at is None:
        return NONE
    local, utc = at.astimezone(zone), at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        utc.isoformat(),
        f"{utc:%Y-%m-%d %H:%M:%S} UTC",
        f"{local:%Y-%m-%d %H:%M %Z}",
    )


def instant(name: str, label: str) -> Column:
    """A moment in the zone of the row's tenant; lists fetch the tenant with the row."""

    @admin.display(description=label, ordering=name)
    def shown(row: Any) -> SafeString | str:
        return moment(getattr(row, name), zone_of(row))

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
        told = ((name, _told(value)) for name, value in sorted(known.items()))
        lines = format_html_join("", "<dt>{}</dt><dd>{}</dd>", told)
        return format_html('<dl class="facts">{}</dl>', lines)

    return shown


def _told(value: Any) -> Any:
    """As a person would write it: what is not there, and several of something."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or NONE
    return NONE if value is None else value
