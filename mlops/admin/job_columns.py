"""What the pages of all jobs show alike."""

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants.console import pill
from tenants.console.shown import Column

NONE = "-"
STATE = pill("status", "state")


@admin.display(description="progress")
def _progress(row: Any) -> SafeString | str:
    told = f"{100 * row.progress:.0f} %"
    if not row.is_alive:
        return told
    bar = '<progress max="1" value="{}" aria-label="progress"></progress> {}'
    return format_html(bar, f"{row.progress:.2f}", told)


@admin.display(description="took")
def _took(row: Any) -> str:
    return NONE if row.seconds is None else f"{row.seconds:,.0f} s"


@admin.display(description="log")
def _log(row: Any) -> SafeString | str:
    return format_html('<pre class="card" tabindex="0">{}</pre>', row.log) if row.log else NONE


PROGRESS: Column = _progress
TOOK: Column = _took
LOG: Column = _log


def address(row: Any) -> str:
    """Of the page of a row."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def link(row: Any) -> SafeString:
    """To the page of a row."""
    return format_html('<a href="{}">{}</a>', address(row), str(row))
