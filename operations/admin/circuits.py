"""The console on circuits: which process has given the database up, since when, until when."""

from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from operations.services import circuits
from operations.services.circuits import ProcessCircuit
from tenants.console import ConsoleSite, StandingPage
from tenants.roles import Capability

# As the other pages colour what is well, what is half, and what is not.
TONES = {"closed": "ok", "probing": "degraded", "open": "down"}


def shown(_request: HttpRequest) -> dict[str, Any]:
    """Each process that lives, and what it will do next."""
    at = timezone.now()
    found = circuits.circuits()
    return {
        "is_shared": settings.SHARES_METRICS,
        "not_closed": sum(row.state != "closed" for row in found),
        "opened_lately": circuits.opened_lately(at=at),
        "threshold": settings.DB_CIRCUIT_FAILURE_THRESHOLD,
        "recovery_s": settings.DB_CIRCUIT_RECOVERY_SECONDS,
        "rows": [_row(row, at) for row in found],
    }


def _row(row: ProcessCircuit, at: datetime) -> dict[str, Any]:
    return {
        "circuit": row,
        "tone": TONES[row.state],
        "limits_tone": TONES[row.limits],
        "opened_at": _told(row.opened_at, at),
        "retry_at": _retry(row, at),
        "alone_at": _told(row.alone_at, at),
    }


def _retry(row: ProcessCircuit, at: datetime) -> SafeString | str:
    """A probe is made by whoever calls next: without a caller nobody asks."""
    if row.retry_at is not None and row.retry_at <= at:
        return _("by its next caller")
    return _told(row.retry_at, at)


def _told(when: datetime | None, at: datetime) -> SafeString | str:
    """To the second: an outage may be over within some."""
    if when is None:
        return "-"
    apart = timedelta(seconds=round(abs((at - when).total_seconds())))
    words = _("in {}") if when > at else _("{} ago")
    return format_html(
        '<time datetime="{}">{}</time>, {}',
        when.isoformat(),
        f"{when:%Y-%m-%d %H:%M:%S} UTC",
        words.format(apart),
    )


cast(ConsoleSite, admin.site).stand(
    StandingPage(
        name="circuits",
        label="Circuits",
        says="Which process has given the database up, and when it asks again.",
        menu="Reliability",
        reads=Capability.PLATFORM_READ,
        shown=shown,
        place=12,
    )
)
