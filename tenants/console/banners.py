"""What stands above every page while it is so, whatever the page is about. Asks nobody."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from noctis import faults
from noctis.db.circuit import DATABASE
from tenants.console.who import operator_of
from tenants.roles import Capability


@dataclass(frozen=True)
class Banner:
    text: SafeString | str
    url: str = ""


def of(request: HttpRequest) -> list[Banner]:
    """For everybody who is signed in; whom a fault is meant for is on its page alone."""
    may_end = operator_of(request).may(Capability.PLATFORM)
    return [*_faults(may_end), *_circuit()]


def _faults(may_end: bool) -> Iterator[Banner]:
    if on := faults.active():
        told = ", ".join(sorted({fault.kind for fault in on}))
        text = format_html(
            _("Fails on purpose: {}. {}"), told, countdown(max(fault.expires_at for fault in on))
        )
        yield Banner(text, reverse("admin:operations_fault_changelist") if may_end else "")


def _circuit() -> Iterator[Banner]:
    if DATABASE.is_open:
        yield Banner(_("The process that answers you has given the database up for a while."))


def countdown(until: datetime | None) -> SafeString | str:
    """How long it goes on; a script counts it down."""
    if until is None:
        return ""
    left = max(0, int((until - timezone.now()).total_seconds()))
    told = f"{left // 60} min {left % 60:02} s"
    return format_html(
        _('<time class="countdown" datetime="{}">{}</time> left'), until.isoformat(), told
    )
