"""The overview as a whole, for one reader: what she asked for, from what she reaches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest
from django.utils import timezone

from noctis.dashboard import drawings, tiles, warnings
from noctis.dashboard.ranges import BY_NAME, RANGES, USUAL, Range, ending
from noctis.dashboard.reading import read
from tenants.console.who import operator_of
from tenants.models import Operator, Tenant
from tenants.roles import Capability

MOST_TENANTS = 1_000


@dataclass(frozen=True)
class Choice:
    label: str
    url: str
    is_current: bool


def of(request: HttpRequest) -> dict[str, Any]:
    """Everything that the page shows."""
    person = operator_of(request)
    tenants = reached(person)
    asked, slug = _range(request), request.GET.get("tenant", "")
    chosen = [tenant for tenant in tenants if tenant.slug == slug] if slug else tenants
    if slug and not chosen:
        raise Http404
    window = ending(asked, timezone.now(), _zone(chosen))
    known = read(window, person, chosen, whole=not slug)
    return {
        "banners": warnings.banners(known),
        "tiles": tiles.of(known),
        "charts": drawings.of(known),
        "needs": warnings.needs(known),
        "ranges": _ranges(asked, slug),
        "tenants": tenants if len(tenants) > 1 else [],
        "tenant": slug,
        "range": asked,
        "window": window,
        "at": f"{known.at.astimezone(window.zone):%Y-%m-%d %H:%M %Z}",
        "is_whole": known.traffic is not None,
        "live": request.get_full_path(),
    }


def reached(person: Operator) -> Sequence[Tenant]:
    """The tenants whose nights she may see."""
    reach = person.reach(Capability.RECORDINGS_READ)
    rows = Tenant.objects.all() if reach is None else Tenant.objects.filter(pk__in=reach)
    return list(rows[:MOST_TENANTS])


def _range(request: HttpRequest) -> Range:
    return BY_NAME.get(request.GET.get("range", ""), USUAL)


def _zone(chosen: Sequence[Tenant]) -> ZoneInfo:
    """Her own tenant's; of several that differ, UTC."""
    zones = {tenant.timezone for tenant in chosen}
    return ZoneInfo(zones.pop() if len(zones) == 1 else "UTC")


def _ranges(asked: Range, slug: str) -> list[Choice]:
    named = {"tenant": slug} if slug else {}
    return [
        Choice(found.label, f"?{urlencode({'range': found.name, **named})}", found == asked)
        for found in RANGES
    ]
